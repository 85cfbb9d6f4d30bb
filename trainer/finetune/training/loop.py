"""The training loop: optimizer steps over documents, until the schedule's end or the deadline."""

from typing import Any

from transformers import PreTrainedModel

from finetune.data.encoding import Encoded
from finetune.settings import Settings
from finetune.training import processes
from finetune.training.attempt import Attempt
from finetune.training.checkpoints import Checkpoints
from finetune.training.deadline import Deadline
from finetune.training.layout import layouts
from finetune.training.optimizer_step import learner
from finetune.training.outcome import Trained
from finetune.training.progress import Observer


def train(
    model: PreTrainedModel,
    tokenizer: Any,
    documents: list[Encoded],
    validation: list[Encoded],
    settings: Settings,
    checkpoints: Checkpoints,
    observer: Observer,
    deadline: Deadline,
) -> Trained:
    """
    Trains the adapters that `adapter.attach` put into the model, on from this run's newest
    checkpoint if there is one, and leaves those with the lowest validation loss in it. A resumed
    run ends with the same bits as an uninterrupted one, on a CPU.

    No document may be longer than MAX_SEQ_LENGTH (`encoding.fitting`). To be called inside
    `deadline.between_steps()`. Under torchrun every process calls it with the same documents, after
    `processes.start`; process 0 alone asks checkpoints and deadline, and feeds the observer.

    Raises:
        BadInput: loss or gradient is no finite number any more; the last checkpoint still is.
        Interrupted: the deadline was reached; the state is in a checkpoint.
    """
    saved_kernels = None
    if processes.rank() == 0 and model.device.type == "cuda":
        saved_kernels = checkpoints.compile_cache()
    attempt = Attempt(
        learner(
            model,
            settings,
            layouts(model, documents, validation, settings),
            tokenizer.pad_token_id,
            processes.from_first(saved_kernels),
        ),
        documents,
        validation,
        settings,
        checkpoints,
        observer,
        deadline,
    )
    attempt.resume()
    return attempt.to_the_end()
