"""One micro-batch forwards and backwards: launched kernel by kernel, or as one CUDA graph."""

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

# Positions of a micro-batch up to which launching kernels takes longer than running them.
GRAPHED = 4096


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
    generator as ever, so that the result is the same.

    The weights' `grad` must stay the same tensors from before the first call on. Shapes (rows,
    width, graded tokens rounded up to a power of two) are few: each takes half a second to record.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._recorded: dict[tuple[int, ...], _Recording] = {}
        self._pool = torch.cuda.graph_pool_handle()
        self._launched = launched(model)
        self._full = False

    def __call__(self, batch: Batch, graded: int) -> torch.Tensor:
        count = ROUNDED_TO
        while count < batch.graded:
            count *= 2
        sequences = bounds_needed(batch)
        key = (*batch.input_ids.shape, count, sequences)
        if key not in self._recorded and not self._full:
            moved = replace(batch.to(self._model.device), graded=count, sequences=sequences)
            try:
                self._recorded[key] = _Recording(self._model, moved, self._pool)
            except torch.OutOfMemoryError:
                # What is recorded stays in use; a shape that no longer fits is launched.
                print("no memory for another CUDA graph: kernels are launched", flush=True)
                self._full = True
        if key not in self._recorded:
            return self._launched(batch, graded)
        return self._recorded[key].replay(batch, graded)


class _Recording:
    def __init__(self, model: PreTrainedModel, batch: Batch, pool: tuple[int, int]) -> None:
        self._batch = batch
        self._graded = torch.ones((), device=model.device)
        state = torch.cuda.get_rng_state(model.device)
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        kept = [weight.grad.clone() for weight in weights]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        # Libraries set themselves up at the first call, which must not be recorded.
        try:
            with torch.cuda.stream(side):
                self._once(model)
            torch.cuda.current_stream().wait_stream(side)
            # A graph has memory of its own, for which nothing can be freed while it is recorded.
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, pool=pool):
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
