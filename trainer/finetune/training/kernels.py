"""Which kernels a micro-batch runs with: plain ones first, compiled ones once they clearly pay."""

import time

import torch
from transformers import PreTrainedModel

from finetune.training import processes
from finetune.training.compilation import (
    Compiled,
    compile_layers,
    device_name,
    load_kernels,
    save_kernels,
    uncompile_layers,
    worthwhile,
)
from finetune.training.layout import Layout
from finetune.training.micro_step import GRAPHED, Graphed, MicroStep, launched
from finetune.training.packing import Batch

# Steps before the clock starts (libraries set themselves up), and steps that are timed.
WARM_UP, TIMED = 3, 5


class Kernels:
    """
    A micro-step that measures itself on a GPU: some plain steps, then, where the steps left save
    more time than compiling takes, some compiled ones. A CPU's stay plain, so that its results
    repeat bit by bit.
    """

    def __init__(self, model: PreTrainedModel, layout: Layout, saved: bytes | None = None) -> None:
        """`saved` are the kernels of an earlier attempt."""
        self._model, self._layout = model, layout
        self._on_gpu = model.device.type == "cuda"
        self._known = load_kernels(saved, model.device) if saved and self._on_gpu else None
        self._seconds: list[float] = []  # of steps since the kernels last changed
        self._plain_seconds: float | None = None  # set once it is decided whether to compile
        self._compiled = False
        self.measured: Compiled | None = None
        self._micro_step = self._new()

    def micro_step(self, batch: Batch, graded: int) -> torch.Tensor:
        """As `micro_step.MicroStep`; falls back to plain kernels where compiling fails."""
        if not self._compiled or self._seconds:
            return self._micro_step(batch, graded)
        gradients = [weight.grad for weight in self._model.parameters() if weight.requires_grad]
        before = [gradient.clone() for gradient in gradients]
        try:
            return self._micro_step(batch, graded)
        except RuntimeError as error:
            print(
                f"compiling failed, layers stay as they are: {str(error).splitlines()[0]}",
                flush=True,
            )
        uncompile_layers(self._model)
        self._compiled = False
        self._micro_step = self._new()
        torch._foreach_copy_(gradients, before)
        return self._micro_step(batch, graded)

    def step_begins(self) -> None:
        """Before each optimizer step."""
        if self._measuring():
            torch.cuda.synchronize()
            self._began = time.monotonic()

    def step_done(self, steps_left: int) -> None:
        """After each optimizer step: measures, and decides once there is enough to go by."""
        if not self._measuring():
            return
        torch.cuda.synchronize()
        self._seconds.append(time.monotonic() - self._began)
        if len(self._seconds) < WARM_UP + TIMED:
            return
        usual = sorted(self._seconds[WARM_UP:])[TIMED // 2]
        if self._plain_seconds is None:
            self._plain_seconds = usual
            # Process 0's clock decides for all, who would otherwise wait for one that compiles.
            pays = worthwhile(steps_left, usual, self._known)
            if processes.from_first(pays) and compile_layers(self._model):
                self._compiled, self._seconds = True, []
                self._micro_step = self._new()
        else:
            self.measured = Compiled(
                device_name(self._model.device),
                torch.__version__,
                self._seconds[0] - usual,
                1 - usual / self._plain_seconds,
            )

    def to_save(self) -> bytes | None:
        """The compiled kernels for the next attempt, once, when they have been measured."""
        measured, self.measured = self.measured, None
        return save_kernels(measured) if measured else None

    def _measuring(self) -> bool:
        """Until it is decided to stay with plain kernels, or the compiled ones are measured."""
        undecided = self._plain_seconds is None or self._compiled
        return self._on_gpu and undecided and len(self._seconds) < WARM_UP + TIMED

    def _new(self) -> MicroStep:
        small = self._layout.rows * self._layout.width <= GRAPHED
        return Graphed(self._model) if self._on_gpu and small else launched(self._model)
