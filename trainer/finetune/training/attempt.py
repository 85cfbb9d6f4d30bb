"""One attempt at a training: from a checkpoint, if there is one, to the last step or a deadline."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import torch

from finetune.data.encoding import Encoded
from finetune.settings import Settings
from finetune.training import processes
from finetune.training.checkpoints import Checkpoints
from finetune.training.deadline import Deadline
from finetune.training.optimizer_step import Learner
from finetune.training.outcome import Record, Trained, trained
from finetune.training.progress import Observer
from finetune.training.schedule import Schedule, learning_rates
from finetune.training.training_state import copied, from_files, to_files
from finetune.verdict import Interrupted


@dataclass
class Attempt:
    """One attempt: what is counted and noted from step to step, and when it is saved."""

    learner: Learner
    documents: list[Encoded]
    validation: list[Encoded]
    settings: Settings
    checkpoints: Checkpoints
    observer: Observer
    deadline: Deadline

    def __post_init__(self) -> None:
        self.logging_steps = self.settings.logging_steps
        self.schedule = Schedule(len(self.documents), self.settings, len(self.validation))
        self.learning_rate = learning_rates(self.learner.optimizer, self.schedule)
        self.record, self.best = Record(), None
        self.saved = 0  # the step of the newest checkpoint
        self.pending: list[torch.Tensor] = []  # losses and norms that are still on the device
        self.clock = time.monotonic()

    def resume(self) -> None:
        """Takes up the newest checkpoint."""
        first = processes.rank() == 0
        newest = self.checkpoints.newest() if first else None
        if files := processes.from_first(newest and newest.files):
            learner = self.learner
            self.record, self.best = from_files(files, learner.weights, learner.optimizer)
            self.saved = self.record.step

    def to_the_end(self) -> Trained:
        """Steps until there are no more."""
        record, total = self.record, self.schedule.steps
        self.clock = time.monotonic()
        while True:
            # First: an attempt may have ended between a step and its validation.
            if self.validation and self.schedule.validated(record.step):
                self._validate()
            if self._told(self.checkpoints.due):
                self._save()
            if record.step == total:
                if self._told(self.deadline.reached):
                    self._save()  # the caller may not get to keep the outcome
                return self._trained()
            if self._told(self.deadline.reached) or not self._step():
                self._save()
                raise Interrupted
            if record.step % self.logging_steps == 0 or record.step == total:
                self._settle()
                self._observe()

    def _step(self) -> bool:
        """False, with nothing changed, where the deadline came in the midst of the step."""
        record = self.record
        documents = self._documents(record.step)
        # Alone, it need not ask the others, who may be waiting for this one's gradients.
        alone = processes.world() == 1
        self.learner.kernels.step_begins()
        outcome = self.learner.step(
            documents,
            self.learning_rate(record.step),
            self.schedule.random_seed(record.step, processes.rank()),
            lambda: alone and self.deadline.reached(),
        )
        if outcome is None:
            return False
        self.pending.append(outcome)
        record.step += 1
        self.learner.kernels.step_done(self.schedule.steps - record.step)
        record.tokens += sum(len(document.input_ids) for document in documents)
        if record.step < self.schedule.steps:
            self.learner.prepare(self._documents(record.step))
        return True

    def _documents(self, step: int) -> list[Encoded]:
        return [self.documents[number] for number in self.schedule.numbers(step)]

    def _settle(self) -> None:
        """
        Takes in what the device has come to, and counts the seconds. Not after every step: a GPU
        would run idle meanwhile.
        """
        record = self.record
        values = torch.stack(self.pending).tolist() if self.pending else []
        now = time.monotonic()
        record.seconds, self.clock = record.seconds + now - self.clock, now
        self.pending.clear()
        for loss, norm in values:
            record.note_step(loss, norm)

    def _observe(self) -> None:
        """A line, with the mean loss of the steps since the line before."""
        record = self.record
        if processes.rank() == 0:
            before = (record.step - 1) // self.logging_steps * self.logging_steps
            self.observer.step(
                record.step,
                self.schedule.steps,
                fmean(loss for loss, _ in record.losses[before:]),
                self.learning_rate(record.step - 1),
                record.tokens,
                record.seconds,
            )

    def _validate(self) -> None:
        """Notes the validation loss of this step and keeps the adapter where it is the lowest."""
        record = self.record
        if record.validation and record.validation[-1][0] == record.step:
            return
        self._settle()
        loss = self.learner.validation_loss(self.validation)
        if record.note_validation(loss):
            self.best = copied(self.learner.weights)
        if processes.rank() == 0:
            self.observer.validation(record.step, loss)
        self.clock = time.monotonic()

    def _save(self) -> None:
        """A checkpoint, unless this step has one; what is not finite gets no further than here."""
        self._settle()
        if self.saved < self.record.step and processes.rank() == 0:
            learner = self.learner
            files = to_files(learner.weights, learner.optimizer, self.record, self.best)
            self.checkpoints.save(self.record.step, files)
            if kernels := learner.kernels.to_save():
                self.checkpoints.save_compile_cache(kernels)
        self.saved = self.record.step
        self.clock = time.monotonic()

    def _told(self, asked: Callable[[], bool]) -> bool:
        """Process 0's answer for all: each must stop, or save, after the same step."""
        return processes.any_of(processes.rank() == 0 and asked(), self.learner.model.device)

    @torch.no_grad()
    def _trained(self) -> Trained:
        for name, weight in (self.best or {}).items():
            self.learner.weights[name].copy_(weight)
        outcome = trained(self.record)
        steps = range(1, self.record.step + 1)
        outcome.curves["learning_rate"] = [(step, self.learning_rate(step - 1)) for step in steps]
        return outcome
