"""
Attempts of a run as processes of their own, to be killed.

Importing torch takes longer than a whole run on a tiny base. So one process imports everything, and
each attempt is a fork of it that runs `finetune.__main__.main` in an environment of its own, as
`python -m finetune` does.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# A run of three epochs, with dropout on, that keeps a checkpoint after every step.
STEPS_AN_EPOCH, STEPS = 4, 12
RUN = {
    "DATASET_LIMIT": str(2 * STEPS_AN_EPOCH),
    "MAX_STEPS": "-1",
    "NUM_TRAIN_EPOCHS": "3",
    "LORA_DROPOUT": "0.1",
    "CHECKPOINT_MINUTES": "0.000001",
}

FORKING = """
import json, os, sys, traceback
import finetune.__main__, finetune.phases.training, finetune.phases.evaluation
import finetune.phases.merging
for line in sys.stdin:
    asked = json.loads(line)
    children = []
    for environment in asked["environments"]:
        child = os.fork()
        if child == 0:
            log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.environ.clear()
            os.environ.update(environment)
            code = 1
            try:
                code = finetune.__main__.main()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        children.append(child)
    print(json.dumps(children), flush=True)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps(codes), flush=True)
"""


class Attempts:
    """Starts attempts, one after the other; `log` is what all of them have printed."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._parent = subprocess.Popen(
            [sys.executable, "-c", FORKING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """Ends the process that forks."""
        self._parent.kill()
        self._parent.communicate()

    def said(self) -> str:
        """All output so far."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def run(self, environment: dict[str, str]) -> int:
        """An attempt to its end; its exit code."""
        return self.run_together([environment])[0]

    def run_together(self, environments: list[dict[str, str]]) -> list[int]:
        """The processes of one attempt, as torchrun starts them; their exit codes."""
        self._start(environments)
        return self._answer()

    def ended_by(
        self,
        number: signal.Signals,
        environment: dict[str, str],
        when: Callable[[], bool],
        seconds: float = 60,
    ) -> int:
        """
        An attempt that gets a signal as soon as `when` is true, or after so many seconds. Its exit
        code; that of the signal, below 0, unless it ended by itself.
        """
        (child,) = self._start([environment])
        limit = time.monotonic() + seconds
        while not when() and time.monotonic() < limit and _runs(child):
            time.sleep(0.0005)
        if _runs(child):
            os.kill(child, number)
        return self._answer()[0]

    def _start(self, environments: list[dict[str, str]]) -> list[int]:
        assert self._parent.stdin is not None
        asked = {"environments": environments, "log": str(self.log)}
        self._parent.stdin.write(json.dumps(asked) + "\n")
        self._parent.stdin.flush()
        return self._answer()

    def _answer(self) -> list[int]:
        assert self._parent.stdout is not None
        return json.loads(self._parent.stdout.readline())


def _runs(child: int) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
