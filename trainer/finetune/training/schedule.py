"""How many optimizer steps, which documents each takes, and the learning rate of each."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetune.hyperparameters import Hyperparameters
from finetune.training.packing import order

if TYPE_CHECKING:  # steps are counted where no torch is
    import torch

# Validation losses over a whole run: enough for a curve and for the choice of the best adapter.
VALIDATIONS = 10
# What they may take of the time of training, and the part of a document's training that is forward.
VALIDATION_SHARE, FORWARD_SHARE = 0.1, 1 / 3


@dataclass(frozen=True)
class Schedule:
    """
    Pure functions of the step's number (the first is 0), counted as transformers' Trainer does: the
    last step of an epoch may be short, a fractional number of epochs is rounded up to whole steps,
    MAX_STEPS wins over both.
    """

    documents: int
    settings: Hyperparameters
    validation_documents: int = 0

    @property
    def steps_an_epoch(self) -> int:
        return math.ceil(self.documents / self.settings.documents_per_step)

    @property
    def steps(self) -> int:
        if self.settings.max_steps > 0:
            return self.settings.max_steps
        return math.ceil(self.settings.num_train_epochs * self.steps_an_epoch)

    def numbers(self, step: int) -> tuple[int, ...]:
        """The documents of a step."""
        epoch, within = divmod(step, self.steps_an_epoch)
        size = self.settings.documents_per_step
        return order(self.documents, self.settings.seed, epoch)[within * size : (within + 1) * size]

    @property
    def validations(self) -> int:
        """
        How many there are over the run: ten, or as many as take a tenth of its time. Counted in
        documents, for a measured time would make results depend on the machine.
        """
        trained = self.steps * self.settings.documents_per_step
        each = FORWARD_SHARE * self.validation_documents
        affordable = int(VALIDATION_SHARE * trained / each) if each else VALIDATIONS
        return max(1, min(VALIDATIONS, affordable))

    def validated(self, step: int) -> bool:
        """Whether a validation follows when `step` steps are done; the last is always one."""
        times = self.validations
        return step > 0 and step * times // self.steps > (step - 1) * times // self.steps

    def random_seed(self, step: int, rank: int) -> int:
        """
        What dropout of a step starts from: with a seed for each step there is no state of a random
        number generator to save, and none that a resumed run could get wrong.
        """
        return random.Random(f"{self.settings.seed} step {step} rank {rank}").getrandbits(63)


def learning_rates(
    optimizer: "torch.optim.Optimizer", schedule: Schedule
) -> Callable[[int], float]:
    """The learning rate of a step by transformers' own schedules, here with no state to save."""
    from transformers import get_scheduler

    settings = schedule.settings
    scheduler = get_scheduler(
        settings.lr_scheduler_type,
        optimizer,
        num_warmup_steps=math.ceil(settings.warmup_ratio * schedule.steps),
        num_training_steps=schedule.steps,
    )
    return lambda step: settings.learning_rate * scheduler.lr_lambdas[0](step)
