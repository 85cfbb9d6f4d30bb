"""What training has come to: step by step, and in the end."""

import math
from dataclasses import dataclass, field
from statistics import fmean

from finetune.verdict import BadInput


@dataclass
class Record:
    """
    What is counted and noted while training. `losses` holds a pair per step: loss (nats per graded
    token) and gradient norm before clipping; `validation` pairs of step and loss. `tokens` are the
    documents', `seconds` those of training itself, both over all attempts.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[tuple[float, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best_step: int | None = None

    @property
    def best_loss(self) -> float | None:
        return dict(self.validation)[self.best_step] if self.best_step is not None else None

    def note_step(self, loss: float, norm: float) -> None:
        """Raises BadInput where one is no finite number: every further step would be wasted."""
        step = len(self.losses) + 1
        _require_finite(step, "loss", loss)
        _require_finite(step, "gradient", norm)
        self.losses.append((loss, norm))

    def note_validation(self, loss: float) -> bool:
        """Whether this step's loss is the lowest so far. Raises BadInput where it is not finite."""
        _require_finite(self.step, "validation loss", loss)
        lowest = self.best_loss
        self.validation.append((self.step, loss))
        if lowest is not None and loss >= lowest:
            return False
        self.best_step = self.step
        return True


@dataclass(frozen=True)
class Trained:
    """
    What training came to; the best adapter is in the model. `loss` is the mean over all steps
    (nats per graded token), `best_loss` the validation loss of the adapter that was kept, None
    without validation rows. `curves` goes into `training.json`: "train" and "validation", pairs of
    step and loss, and "learning_rate". `tokens` (the documents', without padding) and `seconds` (of
    training itself, without validation and checkpoints) cover all attempts.
    """

    loss: float
    steps: int
    best_step: int
    best_loss: float | None
    tokens: int
    seconds: float
    curves: dict[str, list[tuple[int, float]]]

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


def trained(record: Record) -> Trained:
    """The outcome of a record whose last step is done."""
    losses = [loss for loss, _ in record.losses]
    return Trained(
        fmean(losses),
        record.step,
        record.best_step or record.step,
        record.best_loss,
        record.tokens,
        record.seconds,
        {"train": list(enumerate(losses, 1)), "validation": list(record.validation)},
    )


def _require_finite(step: int, what: str, value: float) -> None:
    if not math.isfinite(value):
        raise BadInput(
            f"the {what} became {value} at step {step}: "
            "choose a smaller LEARNING_RATE or MAX_GRAD_NORM"
        )
