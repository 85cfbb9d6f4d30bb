"""Phase 1: from the rows to an adapter, on from the newest checkpoint if there is one."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from finetune.crew import Crew
from finetune.evaluation.held_out_loss import held_out_loss
from finetune.materials import Materials
from finetune.phases.attempts import TRAINING
from finetune.phases.task import Task, say
from finetune.settings import Settings
from finetune.storage.location import storage_at
from finetune.training.adapter import save_adapter
from finetune.training.checkpoints import Checkpoints
from finetune.training.deadline import Deadline
from finetune.training.inputs import inputs_of
from finetune.training.loop import Trained
from finetune.training.progress import Observer
from finetune.training.trackers import Trackers
from finetune.training.train_adapter import (
    Plan,
    device_name,
    load,
    precision_here,
    train_adapter,
)
from finetune.verdict import BadInput, Interrupted


def train(task: Task, materials: Materials, scratch: Path) -> None:
    """
    Leaves `_TRAINED`.

    Raises:
        BadInput: base and hyperparameters cannot be trained with, or the loss is no number.
        Unreachable: START_ADAPTER or a tracker is not there.
        Interrupted: the state is in a checkpoint.
    """
    settings, base = task.settings, materials.base
    documents, validation = materials.documents, materials.validation
    plan = Plan(base.path, precision_here(settings, base.path), documents, validation)
    inputs = inputs_of(
        settings,
        base.resolved,
        materials.examples.resolved,
        documents,
        validation,
        plan.precision,
    )
    checkpoints = Checkpoints(task.area, inputs, 60 * settings.checkpoint_minutes)
    newest = checkpoints.newest()
    if newest:
        say(f"an earlier attempt came to step {newest.step}: going on from its checkpoint")
    task.attempt.begin(TRAINING, newest.step if newest else 0)
    task.crew.call(plan)
    trackers = Trackers(settings, scratch, task.area)
    observer = Observer(settings, trackers)
    model = load(plan, settings)
    # A signal that comes from here on waits until there is something whole to keep.
    with task.deadline.between_steps():
        try:
            trained = train_adapter(model, plan, settings, checkpoints, observer, task.deadline)
        finally:
            trackers.finish()
        loss = _held_out_loss(model, materials, settings)
        save_adapter(model, scratch / "adapter", settings, base.resolved)
        task.finished.keep_trained(scratch, _account(trained, plan, materials, loss), inputs)


def follow(settings: Settings, crew: Crew, deadline: Deadline) -> int:
    """What every process but the first does: train along, and end as the first does."""
    checkpoints = Checkpoints(storage_at(settings.checkpoint_uri, settings.project_id), {})
    observer = Observer(settings)
    while not isinstance(said := crew.hear(), int):
        (plan,) = said
        # Loss and deadline are the same for all, and process 0 says what follows from them.
        with suppress(BadInput, Interrupted), deadline.between_steps():
            model = load(plan, settings)
            train_adapter(model, plan, settings, checkpoints, observer, deadline)
    return said


def _held_out_loss(model: Any, materials: Materials, settings: Settings) -> float | None:
    """
    On the base as it was trained with. In 4 bits that is another model than the one that is
    published, and the difference is worth knowing.
    """
    model.eval()
    # Layers compiled for training would be compiled again for this.
    with torch.compiler.set_stance("force_eager"):
        return held_out_loss(
            model,
            materials.tokenizer,
            materials.split.held_out,
            settings.max_seq_length,
            settings.eval_batch_size,
        )


def _account(
    trained: Trained, plan: Plan, materials: Materials, loss: float | None
) -> dict[str, Any]:
    """training.json: what training came to, and what later phases have to know of it."""
    return {
        "metrics": {
            "train_loss": round(trained.loss, 4),
            "train_tokens_per_second": round(trained.tokens_per_second, 1),
            "train_seconds": round(trained.seconds, 1),
            "train_tokens": trained.tokens,
            "steps": trained.steps,
            "best_step": trained.best_step,
            "validation_loss": trained.best_loss and round(trained.best_loss, 4),
            "training_base_held_out_loss": loss and round(loss, 4),
            "device": device_name(),
            "quantization": plan.precision if plan.precision in ("nf4", "fp8") else None,
        },
        "curves": trained.curves,
        "best_step": trained.best_step,
        "data": asdict(materials.examples.report),
        # How an answer ends, and how a chat is put to the model where the base does not say it.
        "end_ids": sorted({document.input_ids[-1] for document in plan.documents}),
        "chat_template": materials.given_template,
    }
