"""
Attempts of one execution: a retry that stands where the last one stood would only fall again.

Cloud Run starts a task that was killed, for memory or for time, as often as its retries allow
(https://cloud.google.com/run/docs/configuring/max-retries). Right before the long work of a phase
each attempt notes where it stands. A later attempt of the same execution that would begin at the
very same place ends instead; one that came further first, and was killed in a later phase, has had
less than its time for that. A new execution, which somebody started, tries again.
"""

import json
import os
from typing import Any

from finetune.storage.storage import Storage

NOTE = "attempt.json"
PREPARATION, TRAINING, EVALUATION = "preparation", "training", "evaluation"
MERGING, PUBLISHING = "merging", "publishing"
# What the next attempt does after one has ended in a phase.
NEXT = {
    PREPARATION: "starts with the preparation again",
    TRAINING: "trains on from the newest checkpoint, or from the beginning where there is none",
    EVALUATION: "trains nothing and starts with the evaluation",
    MERGING: "trains and evaluates nothing and starts with merging",
    PUBLISHING: "only publishes what is staged",
}
# What can end a phase again and again.
CAUSES = {
    TRAINING: "the GPU's or the container's memory (a smaller MAX_SEQ_LENGTH, more memory), or a "
    "time limit before the first checkpoint (TASK_TIMEOUT_SECONDS, CHECKPOINT_MINUTES)",
    EVALUATION: "memory (a smaller EVAL_BATCH_SIZE), or a time limit that is shorter than "
    "EVALUATION_SECONDS",
    MERGING: "the container's memory, which also holds its files, or a time limit",
    PUBLISHING: "a time limit, or the bucket",
}


class NoProgress(Exception):
    """An earlier attempt of this execution ended where this one would begin."""


class Attempt:
    """This attempt, and the phase that it is in."""

    def __init__(self, area: Storage) -> None:
        self.phase = PREPARATION
        self._area = area
        self._began: list[Any] | None = None  # phase and step of this attempt's first work
        self._execution = os.environ.get("CLOUD_RUN_EXECUTION")
        self._number = int(os.environ.get("CLOUD_RUN_TASK_ATTEMPT") or 0)

    def begin(self, phase: str, step: int = 0) -> None:
        """
        Notes that this phase's work begins now, for training after `step` steps.

        Raises:
            NoProgress: this is the attempt's first work, and the attempt before began at the same
                place and did not get further.
        """
        self.phase = phase
        if not self._execution:
            return
        before = self._read()
        first = self._began is None
        self._began = self._began or [phase, step]
        if (
            first
            and before.get("execution") == self._execution
            and before.get("attempt", self._number) < self._number
            and before.get("began") == [before.get("phase"), before.get("step")] == [phase, step]
            and not before.get("told_to_stop")
        ):
            reached = f"after step {step}" if phase == TRAINING else "at its start"
            raise NoProgress(
                f"attempt {before['attempt']} of {self._execution} ended in the {phase}, and this "
                f"one would begin at the same place ({reached}): stopping, since another attempt "
                f"would end the same way. Likely causes: {CAUSES[phase]}; the last lines of that "
                "attempt's log say more. A new execution tries again"
            )
        self._write(phase, step)

    def told_to_stop(self) -> None:
        """Notes that the platform ended this attempt, which says nothing about the work."""
        before = self._read()
        if before.get("execution") == self._execution and self._execution:
            self._write(before.get("phase", PREPARATION), before.get("step", 0), told_to_stop=True)

    def _read(self) -> dict[str, Any]:
        try:
            note = json.loads(self._area.read(NOTE) or "{}")
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}

    def _write(self, phase: str, step: int, **more: bool) -> None:
        note = {
            "execution": self._execution,
            "attempt": self._number,
            "began": self._began,
            "phase": phase,
            "step": step,
            **more,
        }
        self._area.write(NOTE, json.dumps(note) + "\n")
