"""Which kernels a micro-batch runs with: plain ones first, compiled ones once they clearly pay."""

import gc
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
from finetune.training.layout import Joined, Layout, for_compiled
from finetune.training.micro_step import Graphed, MicroStep, launched
from finetune.training.packing import Batch

# Steps before the clock starts (libraries set themselves up), and steps that are timed.
WARM_UP, TIMED = 3, 5


class Kernels:
    """
    A micro-step that measures itself on a GPU: some plain steps, then, where the steps left save
    more time than compiling takes, some compiled ones. A CPU's stay plain, so that its results
    repeat bit by bit. `layout` is the one to use for the next step.
    """

    def __init__(self, model: PreTrainedModel, layout: Layout, saved: bytes | None = None) -> None:
        """`saved` are the kernels of an earlier attempt."""
        self._model, self.layout = model, layout
        self._on_gpu = model.device.type == "cuda"
        self._known = load_kernels(saved, model.device) if saved and self._on_gpu else None
        self._seconds: list[float] = []  # of steps since the kernels last changed
        self._plain_seconds: float | None = None  # set once it is decided whether to compile
        self._compiling = 0.0  # seconds that compiling took
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
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._give_up(error)
        torch._foreach_copy_(gradients, before)
        return self._micro_step(batch, graded)

    def lighten(self) -> None:
        """After memory ran out: smaller micro-batches from now on, where the layout has them."""
        print("GPU memory ran out: smaller micro-batches from here on", flush=True)
        self.layout = self.layout.smaller() or self.layout
        self._micro_step = self._new()  # without graphs that hold memory
        gc.collect()
        torch.cuda.empty_cache()

    def step_begins(self) -> None:
        """Before each optimizer step."""
        if self._measuring():
            torch.cuda.synchronize()
            self._graphs = self._recorded()
            self._began = time.monotonic()

    def step_done(self, steps_left: int) -> None:
        """After each optimizer step: measures, and decides once there is enough to go by."""
        if not self._measuring():
            return
        torch.cuda.synchronize()
        took = time.monotonic() - self._began
        if self._seconds and self._recorded() > self._graphs:
            return  # recording is no part of a usual step
        self._seconds.append(took)
        if len(self._seconds) < WARM_UP + TIMED:
            return
        usual = sorted(self._seconds[WARM_UP:])[TIMED // 2]
        if self._plain_seconds is None:
            self._plain_seconds = usual
            # Process 0's clock decides for all, who would otherwise wait for one that compiles.
            if processes.from_first(worthwhile(steps_left, usual, self._known)):
                self._compile()
        else:
            self.measured = Compiled(
                device_name(self._model.device),
                torch.__version__,
                self._compiling + self._seconds[0] - usual,
                1 - usual / self._plain_seconds,
            )

    def to_save(self) -> bytes | None:
        """The compiled kernels for the next attempt, once, when they have been measured."""
        measured, self.measured = self.measured, None
        return save_kernels(measured) if measured else None

    def _compile(self) -> None:
        joined = isinstance(self.layout, Joined)
        if not compile_layers(self._model, any_length=joined):
            return
        self._compiled, self._seconds = True, []
        began = time.monotonic()
        try:
            self._micro_step = self._new()  # without the graphs of plain layers
            self.layout = for_compiled(self._model, self.layout)
        except RuntimeError as error:
            self._give_up(error)
        self._compiling = time.monotonic() - began

    def _give_up(self, error: RuntimeError) -> None:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        print(f"compiling failed, layers stay as they are: {first}", flush=True)
        uncompile_layers(self._model)
        self._compiled = False
        self._micro_step = self._new()

    def _measuring(self) -> bool:
        """Until it is decided to stay with plain kernels, or the compiled ones are measured."""
        undecided = self._plain_seconds is None or self._compiled
        return self._on_gpu and undecided and len(self._seconds) < WARM_UP + TIMED

    def _recorded(self) -> int:
        return getattr(self._micro_step, "recorded", 0)

    def _new(self) -> MicroStep:
        return Graphed(self._model) if self._on_gpu else launched(self._model)
