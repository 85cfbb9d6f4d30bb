"""The training loop: optimizer steps over documents, until the schedule's end or the deadline."""

import math
import time
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from finetune.data.encoding import Encoded
from finetune.settings import Settings
from finetune.training import processes
from finetune.training.layout import Layout
from finetune.training.packing import Batch, batches, graded
from finetune.training.schedule import Schedule, learning_rates
from finetune.training.training_state import Record, Weights, copied, from_files, to_files
from finetune.verdict import BadInput, Interrupted


@dataclass(frozen=True)
class Trained:
    """
    What training came to; the best adapter is in the model. `loss` is the mean over all steps
    (nats per graded token), `best_loss` the validation loss of the adapter that was kept, None
    without validation rows. `curves` goes into `training.json`: "train" and "validation", pairs of
    step and loss. `tokens` (the documents', without padding) and `seconds` (of training itself,
    without validation and checkpoints) cover all attempts.
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


def train(
    model: PreTrainedModel,
    tokenizer: Any,
    documents: list[Encoded],
    validation: list[Encoded],
    settings: Settings,
    checkpoints: Any,
    observer: Any,
    deadline: Any,
) -> Trained:
    """
    Trains the adapters that `adapter.attach` put into the model, on from this run's newest
    checkpoint if there is one, and leaves those with the lowest validation loss in it. A resumed
    run ends with the same bits as an uninterrupted one, on a CPU.

    No document may be longer than MAX_SEQ_LENGTH (`encoding.fitting`). What it calls:
    `checkpoints.newest()` (None, or an object whose `files` maps names to bytes),
    `checkpoints.due()` after each step, `checkpoints.save(step, files)`; `deadline.reached()`;
    `observer.step(step, total, loss, learning_rate, tokens, seconds)` every LOGGING_STEPS and at
    the last, with the mean loss since the call before and the totals of tokens and seconds;
    `observer.validation(step, loss)`. Under torchrun (`processes.start` before) every process calls
    it with the same documents; process 0 alone touches checkpoints and observer.

    Raises:
        BadInput: loss or gradient is no finite number any more; the last checkpoint still is.
        Interrupted: the deadline was reached; the state is in a checkpoint.
    """
    training = _Training(model, tokenizer, documents, settings)
    training.validation = validation
    training.checkpoints, training.observer, training.deadline = checkpoints, observer, deadline
    training.resume()
    return training.run()
