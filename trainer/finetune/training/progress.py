"""
One line of JSON per logging step. Cloud Run makes it a log entry whose `message` is what people
read, in Cloud Logging as in front of Terraform
(https://cloud.google.com/run/docs/logging#using-json).
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from finetune.settings import Settings

_LOADED = time.monotonic()


class Tracker(Protocol):
    """Whatever else wants the numbers."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Takes numbers by name."""


class Observer:
    """
    What training tells of itself, a line at a time: `step` every LOGGING_STEPS, `validation` after
    each evaluation. Counts are of the whole training, also after a resume, so that no line claims
    the speed of steps that another attempt took.
    """

    def __init__(self, settings: "Settings", tracker: Tracker | None = None) -> None:
        self._price = settings.price_per_hour
        self._tracker = tracker
        self._last = (0, 0, 0.0)  # step, tokens and seconds of the line before

    def step(
        self, step: int, total: int, loss: float, learning_rate: float, tokens: int, seconds: float
    ) -> None:
        """
        Says how far training is. A loss that is no number is said to be that, as an error; to stop
        is the loop's decision.

        Args:
            step: steps taken, of `total`.
            loss: mean over the steps since the last line, in nats per graded token.
            learning_rate: of this step.
            tokens: trained on so far, without padding.
            seconds: of training so far, without evaluation and checkpoints.
        """
        last_step, last_tokens, last_seconds = self._last
        took = max(seconds - last_seconds, 1e-9)
        speed = (tokens - last_tokens) / took
        left = took / max(step - last_step, 1) * (total - step)
        self._last = (step, tokens, seconds)
        finite = math.isfinite(loss)
        values = {
            "step": step,
            "steps": total,
            "loss": _number(loss, 6),
            "tokens_per_second": _number(speed, 1),
            "learning_rate": _number(learning_rate, 10),
            "gpu_memory_gib": gpu_memory(),
            "seconds_left": _number(left, 1),
            "dollars": self._dollars(),
        }
        spent = "" if values["dollars"] is None else f", ${values['dollars']:.2f} so far"
        say(
            f"step {step} of {total}, loss {loss if not finite else f'{loss:.4f}'}, "
            f"{speed:,.0f} tokens/s, {duration(left)} left{spent}",
            severity="INFO" if finite else "ERROR",
            **values,
        )
        self._track(step, values, "train")

    def validation(self, step: int, loss: float) -> None:
        """
        Says what the loss on the validation rows is after a step, in nats per graded token.
        """
        finite = math.isfinite(loss)
        shown = f"{loss:.4f}" if finite else str(loss)
        value = _number(loss, 6)
        say(
            f"validation loss {shown} after step {step}",
            severity="INFO" if finite else "ERROR",
            step=step,
            validation_loss=value,
            dollars=self._dollars(),
        )
        self._track(step, {"loss": value}, "validation")

    def _dollars(self) -> float | None:
        """Of this attempt: what earlier ones cost is not known here."""
        if self._price is None:
            return None
        return round(self._price * process_seconds() / 3600, 4)

    def _track(self, step: int, values: dict[str, Any], kind: str) -> None:
        if self._tracker is not None:
            numbers = {
                f"{kind}/{name}": float(value)
                for name, value in values.items()
                if name not in ("step", "steps") and value is not None
            }
            self._tracker.log(numbers, step)


def say(message: str, severity: str = "INFO", **fields: Any) -> None:
    """
    Prints one entry: `message` for people, the fields (JSON's own types) for queries. Only rank 0
    of `torchrun` speaks.
    """
    if os.environ.get("RANK", "0") == "0":
        entry = {"message": message, "severity": severity, **fields}
        # JSON knows no NaN: an entry with one would be shown as raw text.
        print(json.dumps(entry, allow_nan=False), flush=True)


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def process_seconds() -> float:
    """Seconds since this process began; loading Python and torch is paid for as well."""
    try:
        # Field 22 of proc(5), counted after the name, which may hold anything.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.monotonic() - _LOADED


def gpu_memory() -> float | None:
    """The most GPU memory that tensors have held so far, in GiB; None without a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return round(torch.cuda.max_memory_allocated() / 2**30, 2)


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
