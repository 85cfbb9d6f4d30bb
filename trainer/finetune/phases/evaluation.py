"""Phase 2: what the merged model answers to the held-out rows, and what the base does."""

import json
import time
from pathlib import Path
from typing import Any

from finetune.evaluation.evaluation import evaluate as evaluate_model
from finetune.evaluation.evaluation import evaluate_base
from finetune.evaluation.examples_in_prompt import choose_examples
from finetune.evaluation.result import Evaluation
from finetune.evaluation.scoring_time import BASE_SHARE
from finetune.materials import Materials
from finetune.phases.attempts import EVALUATION, PREPARATION
from finetune.phases.task import Task, release_memory, say
from finetune.publishing.golden import golden_answers
from finetune.publishing.merging import merge_into
from finetune.settings import Settings
from finetune.training import processes
from finetune.training.base_model import load_model
from finetune.training.deadline import RESERVE
from finetune.verdict import Interrupted

# Of EVALUATION_SECONDS, what mostly suffices for all rows. With less, a training that has just
# ended leaves the evaluation to the next attempt, which has its whole time limit for it.
ENOUGH = 1 / 3


def evaluate(task: Task, materials: Materials, scratch: Path) -> dict[str, Any]:
    """
    Leaves `_EVALUATED`, and returns what evaluation.json holds: metrics and rows of the model as it
    will be served, and the base's. Beside it are the golden answers.

    Raises:
        Interrupted: this attempt trained, and has too little time left.
    """
    settings, device = _in_time(task), processes.device()
    task.attempt.begin(EVALUATION)
    release_memory()  # of the training
    adapter = task.finished.fetch_adapter(scratch)
    split, tokenizer = materials.split, materials.tokenizer
    model = load_model(materials.base.path, device)
    base = evaluate_base(
        model,
        tokenizer,
        split.held_out,
        settings,
        choose_examples(split.training),
        # Without a GPU the untrained model's answers, which run on to the limit, would take longer
        # than the training.
        answers=device.type == "cuda" or settings.promotion_must_beat == "base",
    )
    merge_into(model, adapter)
    merged = evaluate_model(model, tokenizer, split.held_out, settings)
    of_base = {name: value for name, value in base.metrics.items() if name != "held_out_ids"}
    metrics = {
        **task.finished.training()["metrics"],
        **merged.metrics,
        "base": of_base if split.held_out else None,
    }
    shown = {name: value for name, value in metrics.items() if name != "held_out_ids"}
    say(f"metrics {json.dumps(shown)}")
    if metrics["quantization"] and metrics["held_out_loss"]:
        say(
            f"held-out loss {metrics['training_base_held_out_loss']} on the "
            f"{metrics['quantization']} base it was trained with, {metrics['held_out_loss']} merged"
        )
    kept = {**merged.as_json(), "metrics": metrics, "base": base.as_json()}
    task.finished.keep_evaluated(kept, _golden(model, materials, merged, settings))
    return kept


def _golden(
    model: Any, materials: Materials, merged: Evaluation, settings: Settings
) -> dict[str, Any] | None:
    """
    Here, where the merged model is loaded. Rows to train on serve as well where none are held out.
    """
    began, split = time.monotonic(), materials.split
    answers = {row["id"]: row["answer"] for row in merged.rows}
    rows = split.held_out or split.training
    try:
        golden = golden_answers(model, materials.tokenizer, rows, answers, settings.prompt_template)
    except Exception as error:  # a version that cannot be checked is worth more than no version
        say(f"warning: no golden answers: {type(error).__name__}: {error}")
        return None
    count = len(golden["prompts"]) if golden else 0
    say(f"{count} golden answers in {time.monotonic() - began:.1f} s")
    return golden


def _in_time(task: Task) -> Settings:
    """The settings, with EVALUATION_SECONDS cut to what is left of the time limit."""
    settings, left = task.settings, task.deadline.seconds_left() - RESERVE
    left /= 1 + 2 * BASE_SHARE  # the base is asked in two ways
    if left >= settings.evaluation_seconds:
        return settings
    if task.attempt.phase != PREPARATION and left < ENOUGH * settings.evaluation_seconds:
        raise Interrupted
    return settings.model_copy(update={"evaluation_seconds": max(left, 1.0)})
