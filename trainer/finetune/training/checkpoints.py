"""
The states of one training run in its bucket, from which the next attempt goes on.

`step-N/` holds the loop's files and, last of all, `_COMPLETE`: name, size and CRC-32C of each and
the inputs that led there. Without it, or with a file that differs from it, a checkpoint is half of
one and is removed. One of other inputs is not gone on from: half of the steps on other data or with
other settings would be a model that no run id describes.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from finetune.marker import described, marked_files, read_marker, write_marker
from finetune.storage.storage import Storage, StoredFile
from finetune.training.inputs import Inputs, differences

COMPLETE, COMPILE_CACHE = "_COMPLETE", "compile-cache.bin"
STEP = re.compile(r"step-(\d+)/(.+)")
KEPT = 2  # the newest, and the one before in case the newest turns out to be damaged
FIRST_SECONDS = 60  # an early one shows that keeping works before there is much to lose


@dataclass(frozen=True)
class Checkpoint:
    """What the loop handed over after `step` optimizer steps."""

    step: int
    files: dict[str, bytes]


class Checkpoints:
    """
    `storage` is CHECKPOINT_URI, `inputs` what the result depends on, by name (`inputs.inputs_of`),
    `seconds` the time between two checkpoints.
    """

    def __init__(
        self,
        storage: Storage,
        inputs: Inputs,
        seconds: float = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage, self._inputs, self._seconds = storage, inputs, seconds
        self._clock = clock
        self._due_at: float | None = None
        self._kept: list[int] = []  # steps that this attempt goes on from or has saved

    def due(self) -> bool:
        """
        Whether it is time for the next one. The first call starts the clock; the first checkpoint
        of an attempt comes after a minute at most.
        """
        if self._due_at is None:
            self._due_at = self._clock() + min(self._seconds, FIRST_SECONDS)
        return self._clock() >= self._due_at

    def newest(self) -> Checkpoint | None:
        """
        The newest complete checkpoint of these inputs, or None where training starts at the
        beginning. Removes partial ones, and says what differs in one that is refused.
        """
        refused = False
        for step, stored in sorted(self._steps().items(), reverse=True):
            where = f"checkpoint {self._storage.uri}/step-{step}"
            marker = read_marker(self._storage.below(f"step-{step}"), COMPLETE, stored)
            if marker is None:
                print(f"{where} is not complete: removed", flush=True)
                self._remove(step, stored)
            elif not (changed := differences(marker["inputs"], self._inputs)):
                self._kept = [step]
                return Checkpoint(step, self._read(step, marker))
            else:
                refused = True
                print(
                    f"{where} is refused, since its inputs differ: {'; '.join(changed)}", flush=True
                )
        if refused:
            print("training starts at the beginning", flush=True)
        return None

    def save(self, step: int, files: dict[str, bytes]) -> None:
        """Keeps a state; once it is whole, removes all but it and the one before."""
        steps = self._steps()
        if step in steps:  # half of one, or one of other inputs
            self._remove(step, steps.pop(step))
        self._storage.write_bytes({f"step-{step}/{name}": data for name, data in files.items()})
        write_marker(
            self._storage.below(f"step-{step}"), COMPLETE, described(files), inputs=self._inputs
        )
        self._kept = [*self._kept, step][-KEPT:]
        for number, stored in steps.items():
            if number not in self._kept:
                self._remove(number, stored)
        self._due_at = self._clock() + self._seconds

    def remove(self) -> None:
        """Removes all of them: what comes after training goes on from the adapter."""
        for step, stored in self._steps().items():
            self._remove(step, stored)

    def compile_cache(self) -> bytes | None:
        """Compiled kernels that an earlier attempt left, or None."""
        return self._storage.read_bytes(COMPILE_CACHE)

    def save_compile_cache(self, data: bytes) -> None:
        """Leaves compiled kernels for the next attempt."""
        self._storage.write_bytes({COMPILE_CACHE: data})

    def _steps(self) -> dict[int, dict[str, StoredFile]]:
        """The files of each checkpoint, whole or not, by step and name."""
        steps: dict[int, dict[str, StoredFile]] = {}
        for path, file in self._storage.files().items():
            if match := STEP.fullmatch(path):
                steps.setdefault(int(match[1]), {})[match[2]] = file
        return steps

    def _read(self, step: int, marker: dict[str, Any]) -> dict[str, bytes]:
        where = self._storage.below(f"step-{step}")
        return {name: where.read_bytes(name) or b"" for name in marked_files(marker)}

    def _remove(self, step: int, names: Iterable[str]) -> None:
        # The marker first: what is left over after a crash here is plainly not whole.
        ordered = sorted(names, key=lambda name: name != COMPLETE)
        self._storage.delete([f"step-{step}/{name}" for name in ordered])
