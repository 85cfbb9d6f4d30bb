"""
The processes of one torchrun: process 0 leads, the others only train along.

Process 0 alone checks, evaluates, merges and publishes. The others wait until it calls them to the
training, and end with its exit code.
"""

import os
from datetime import timedelta
from typing import Any

# Longer than any run: the others wait while process 0 downloads a base, evaluates and publishes.
PATIENCE = timedelta(days=7)


class Crew:
    """This process's place among the others. Alone, all of this does nothing."""

    def __init__(self) -> None:
        self.leads = os.environ.get("RANK", "0") == "0"
        self._group: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            # Only here: alone, what ends within seconds does so without torch.
            from torch import distributed

            from finetune.training import processes

            processes.start(processes.device())
            # NCCL would hold a GPU busy with waiting, and give up after ten minutes.
            self._group = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def call(self, *task: Any) -> None:
        """Process 0 hands the same task to all others."""
        self._broadcast(task)

    def dismiss(self, code: int) -> None:
        """Process 0 tells all others how it ends."""
        self._broadcast(code)

    def hear(self) -> Any:
        """What process 0 says next: a tuple from `call`, or the exit code."""
        return self._broadcast(None)

    def _broadcast(self, said: Any) -> Any:
        if self._group is None:
            return said
        from torch import distributed

        box = [said]
        distributed.broadcast_object_list(box, group=self._group)
        return box[0]
