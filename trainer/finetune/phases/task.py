"""What all phases of one run share."""

import gc
from dataclasses import dataclass

from finetune.crew import Crew
from finetune.phases.attempts import Attempt
from finetune.phases.finished import Finished
from finetune.settings import Settings
from finetune.storage.storage import Storage
from finetune.training.deadline import Deadline


@dataclass(frozen=True)
class Task:
    """`area` is CHECKPOINT_URI, `finished` what attempts of this run have left there."""

    settings: Settings
    area: Storage
    deadline: Deadline
    attempt: Attempt
    crew: Crew

    @property
    def finished(self) -> Finished:
        return Finished(self.area)


def release_memory() -> None:
    """Frees the GPU's memory of models that nobody holds any more, some of them in cycles."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def say(line: str) -> None:
    """A line of the log."""
    print(line, flush=True)
