"""This trainer: the real loop, over a base loaded as a job loads it."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch

from bench.measured import Measured, warm
from finetune.data.encoding import Encoded
from finetune.settings import Settings
from finetune.training.deadline import Deadline
from finetune.training.loop import train
from finetune.training.train_adapter import Plan, load


@dataclass
class Marks:
    """Stands in for checkpoints and observer, and notes when each line would be printed."""

    marks: list[tuple[float, int]] = field(default_factory=list)

    def step(
        self, step: int, total: int, loss: float, rate: float, tokens: int, seconds: float
    ) -> None:
        self.marks.append((time.monotonic(), tokens))
        self.loss = loss

    def validation(self, step: int, loss: float) -> None: ...

    def due(self) -> bool:
        return False

    def newest(self) -> None: ...

    def compile_cache(self) -> None: ...


def this_trainer(
    name: str,
    base: Path,
    documents: list[Encoded],
    job_tokens: int,
    precision: Any,
    documents_per_step: int,
    compiled: bool | None = None,
) -> Measured:
    """
    One epoch over the documents, which stand for a job of `job_tokens`. `compiled` forces the
    decision that the trainer would take itself by the number of steps: so a short measurement shows
    what a long job runs at.
    """
    on_gpu = torch.cuda.is_available()
    settings = _settings(documents_per_step)
    began = time.monotonic()
    model = load(Plan(base, precision, documents, []), settings)
    marks, deadline = Marks(), Deadline()
    forced = patch("finetune.training.kernels.worthwhile", lambda *_: compiled)
    with nullcontext() if compiled is None else forced, deadline.between_steps():
        tokenizer = SimpleNamespace(pad_token_id=0)
        marks.marks.append((time.monotonic(), 0))
        trained = train(model, tokenizer, documents, [], settings, marks, marks, deadline)
    seconds = time.monotonic() - began
    memory = torch.cuda.max_memory_allocated() if on_gpu else 0
    # The second half: before it come plain steps, compiling, and a graph for each new shape.
    speed = warm(marks.marks, len(marks.marks) // 2)
    seconds += max(job_tokens - trained.tokens, 0) / speed
    return Measured(name, speed, seconds, job_tokens, memory, marks.loss)


def _settings(documents_per_step: int) -> Settings:
    return Settings(
        run_id="0" * 12,
        output_uri="/bench/output",
        checkpoint_uri="/bench/checkpoint",
        recipe_version=1,
        trainer_source_hash="0" * 12,
        train_batch_size=1,
        gradient_accumulation_steps=documents_per_step,
        logging_steps=5,
    )
