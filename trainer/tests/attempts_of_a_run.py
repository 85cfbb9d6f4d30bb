"""Attempts of a run as processes of their own, to be killed."""

import signal
from collections.abc import Callable
from pathlib import Path

from forks import Asked, Forks, end_when

from finetune.__main__ import main

# A run of three epochs, with dropout on, that keeps a checkpoint after every step.
STEPS_AN_EPOCH, STEPS = 4, 12
RUN = {
    "DATASET_LIMIT": str(2 * STEPS_AN_EPOCH),
    "MAX_STEPS": "-1",
    "NUM_TRAIN_EPOCHS": "3",
    "LORA_DROPOUT": "0.1",
    "CHECKPOINT_MINUTES": "0.000001",
}


class Attempts:
    """Starts attempts, one after the other; `log` is what all of them have printed."""

    def __init__(self, forks: Forks, log: Path) -> None:
        self._forks, self.log = forks, log

    def said(self) -> str:
        """All output so far."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def run(self, environment: dict[str, str]) -> int:
        """An attempt to its end; its exit code."""
        return self.run_together([environment])[0]

    def run_together(self, environments: list[dict[str, str]]) -> list[int]:
        """The processes of one attempt, as torchrun starts them; their exit codes."""
        self._start(environments)
        return self._forks.codes()

    def ended_by(
        self,
        number: signal.Signals,
        environment: dict[str, str],
        moment: Callable[[], bool],
        seconds: float = 60,
    ) -> int:
        """
        An attempt that gets a signal at a moment, or after so many seconds. Its exit code; that of
        the signal, below 0, unless it ended by itself.
        """
        (process,) = self._start([environment])
        end_when(process, number, moment, seconds)
        return self._forks.codes()[0]

    def _start(self, environments: list[dict[str, str]]) -> list[int]:
        log = str(self.log)
        return self._forks.start([Asked(main, one, log, log) for one in environments])
