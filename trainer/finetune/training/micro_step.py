"""One micro-batch forwards and backwards: launched kernel by kernel, or as one CUDA graph."""

import gc
from collections.abc import Callable
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from finetune.training.loss import ROUNDED_TO, completion_loss
from finetune.training.packed_attention import bounds_needed
from finetune.training.packing import Batch

# Adds a micro-batch's share of the gradients to the weights' `grad`, and returns its share of the
# mean loss (detached, on the device). The whole number is the graded tokens of the optimizer step.
MicroStep = Callable[[Batch, int], torch.Tensor]

# Positions of a micro-batch up to which launching kernels takes long enough for the GPU to wait.
GRAPHED = 16384
# Graphs at most: each keeps a few megabytes.
MOST_GRAPHS = 64


def launched(model: PreTrainedModel) -> MicroStep:
    """The plain way."""

    def micro_step(batch: Batch, graded: int) -> torch.Tensor:
        part = micro_batch_loss(model, batch.to(model.device)) / graded
        part.backward()
        return part.detach()

    return micro_step


class Graphed:
    """
    Records the kernels of forward and backward once for each shape and replays them: a small
    micro-batch is over before Python could have launched it. Dropout takes its numbers from the
    generator as ever, so that the result is the same. Larger ones are launched, and all of them
    where layers run again in the backward pass.

    The weights' `grad` must stay the same tensors from before the first call on. Shapes (rows,
    width, graded tokens rounded up) are few: each takes about half a second to record.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._recordings: dict[tuple[int, ...], _Recording] = {}
        self._memory = _Memory()
        self._launched = launched(model)
        self._full = False

    @property
    def recorded(self) -> int:
        """How many shapes have a graph."""
        return len(self._recordings)

    def __call__(self, batch: Batch, graded: int) -> torch.Tensor:
        # Layers that run again ask for the generator's state, which must not be while recording.
        if batch.input_ids.numel() > GRAPHED or self._model.is_gradient_checkpointing:
            return self._launched(batch, graded)
        count, sequences = _graded_places(batch), bounds_needed(batch)
        key = (*batch.input_ids.shape, count, sequences)
        if key not in self._recordings and not self._full:
            moved = replace(batch.to(self._model.device), graded=count, sequences=sequences)
            try:
                self._recordings[key] = _Recording(self._model, moved, self._memory)
                self._full = len(self._recordings) == MOST_GRAPHS
            except torch.OutOfMemoryError:
                print("no memory for CUDA graphs: kernels are launched", flush=True)
                self._full = True
            if self._full and key not in self._recordings:
                # Launched kernels need what the graphs hold.
                self._recordings.clear()
                self._memory = None
                gc.collect()
                torch.cuda.empty_cache()
        if key not in self._recordings:
            return self._launched(batch, graded)
        return self._recordings[key].replay(batch, graded)


def _graded_places(batch: Batch) -> int:
    """Graded positions, rounded up so that few counts occur and few products are in vain."""
    unit = max(ROUNDED_TO, batch.input_ids.numel() // 16 // ROUNDED_TO * ROUNDED_TO)
    return min(-(-batch.graded // unit) * unit, batch.input_ids.numel())


class _Memory:
    """
    What all recordings share, for one runs at a time. A trial before a recording is made in the
    same memory, on the same stream: so it is not needed twice.
    """

    def __init__(self) -> None:
        self.pool, self.stream = torch.cuda.MemPool(), torch.cuda.Stream()


class _Recording:
    def __init__(self, model: PreTrainedModel, batch: Batch, memory: _Memory) -> None:
        self._batch = batch
        self._graded = torch.ones((), device=model.device)
        state = torch.cuda.get_rng_state(model.device)
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        kept = [weight.grad.clone() for weight in weights]
        memory.stream.wait_stream(torch.cuda.current_stream())
        # Libraries set themselves up at the first call, which must not be recorded.
        try:
            with torch.cuda.stream(memory.stream), torch.cuda.use_mem_pool(memory.pool):
                self._once(model)
            torch.cuda.synchronize()
            # While a graph is recorded nothing can be freed for it.
            torch.cuda.empty_cache()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, pool=memory.pool.id, stream=memory.stream):
                self._loss = self._once(model)
        finally:
            # The trial has drawn numbers and left gradients.
            torch._foreach_copy_([weight.grad for weight in weights], kept)
            torch.cuda.set_rng_state(state, model.device)

    def _once(self, model: PreTrainedModel) -> torch.Tensor:
        part = micro_batch_loss(model, self._batch) / self._graded
        part.backward()
        return part.detach()

    def replay(self, batch: Batch, graded: int) -> torch.Tensor:
        held = self._batch
        for name in ("input_ids", "position_ids", "labels"):
            getattr(held, name).copy_(getattr(batch, name).pin_memory(), non_blocking=True)
        self._graded.fill_(graded)
        self._graph.replay()
        return self._loss.clone()


def micro_batch_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """`completion_loss` of a batch on the model's device, computed in the base's type."""
    device, kind = model.device, model.dtype
    # Weights of adapters are float32, and are cast for the products with a bfloat16 base.
    with torch.autocast(device.type, kind, enabled=kind == torch.bfloat16):
        return completion_loss(model, batch)
