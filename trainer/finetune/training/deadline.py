"""
When an attempt has to stop: at SIGTERM, or shortly before the platform's time limit.

Cloud Run ends a task at its limit, or sends SIGTERM and kills ten seconds later
(https://cloud.google.com/run/docs/container-contract). While training, a stop is only noted and
takes effect after the optimizer step, when there is something whole to keep; all other phases stop
at once, since the next attempt starts them again.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from finetune.verdict import BadInput, Interrupted

# Seconds before the limit: room for the step that is under way, a checkpoint and its upload.
RESERVE = 90
# What the other phases leave of the limit: to say what happened, they have nothing to keep.
LAST_WORDS = 10


class Deadline:
    """
    `started` is `time.monotonic()` at the start of the process, `limit` the seconds that it has.
    """

    def __init__(self, limit: float | None = None, started: float | None = None) -> None:
        self._ends = float("inf")
        self._signal: int | None = None
        self._between_steps = False
        self._limit = limit
        if limit is not None:
            self._ends = (time.monotonic() if started is None else started) + limit

    def require_time(self) -> None:
        """
        Raises BadInput where the limit is no longer than the reserve: every attempt would stop
        before its first step.
        """
        if self._limit is not None and self._limit <= RESERVE:
            raise BadInput(
                f"TASK_TIMEOUT_SECONDS={self._limit:g} leaves no time to train: {RESERVE} s before "
                "the limit a run stops to keep its state. Give the job's tasks more time",
                {"TASK_TIMEOUT_SECONDS": os.environ.get("TASK_TIMEOUT_SECONDS")},
            )

    def watch(self) -> None:
        """Takes over SIGTERM, and SIGALRM for the end of the limit. Main thread only."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGALRM, self._on_signal)
        if self._ends < float("inf"):
            signal.setitimer(signal.ITIMER_REAL, max(self.seconds_left() - LAST_WORDS, 0.01))

    def seconds_left(self) -> float:
        """Seconds until the platform's limit; infinity without one."""
        return self._ends - time.monotonic()

    def reached(self) -> bool:
        """Whether training has to stop after this step."""
        return self._signal is not None or self.seconds_left() <= RESERVE

    def told_to_stop(self) -> bool:
        """Whether it was SIGTERM, which says nothing about the work or its limit."""
        return self._signal == signal.SIGTERM

    def reason(self) -> str:
        """What stops this attempt, for the log."""
        return "SIGTERM" if self.told_to_stop() else "its time limit (TASK_TIMEOUT_SECONDS)"

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """While this is open, a signal stops nothing by itself: the loop asks `reached`."""
        self._between_steps = True
        try:
            yield
        finally:
            self._between_steps = False
        if self._signal is not None:  # it came after the last step
            raise Interrupted

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        if not self._between_steps:
            raise Interrupted
