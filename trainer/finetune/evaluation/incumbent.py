"""The model that a new one has to beat, and how it answered the same rows."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.data.example import Example
from finetune.data.source import Unreachable, source_files
from finetune.evaluation.result import Evaluation
from finetune.settings import Settings
from finetune.storage.location import storage_at
from finetune.training.base_model import FILES, load_model, load_tokenizer

if TYPE_CHECKING:
    import torch

EVALUATION = "evaluation.json"


def incumbent_for(
    settings: Settings,
    evaluation: Evaluation,
    base: Evaluation | None,
    rescore: Callable[[str], Evaluation],
) -> Evaluation | None:
    """
    What `judge` compares with: None where PROMOTION_MUST_BEAT is empty, the base's answers where it
    is `base` (None where they were not measured), else the published version's.

    `rescore` runs the version again. It is called, with its location, where the version has no
    results of its own for the same held-out rows, or for fewer of the rows that count.
    """
    location = settings.promotion_must_beat
    if location is None:
        return None
    if location == "base":
        return base
    published = published_evaluation(location, settings.project_id)
    if published and _on_the_same_rows(published, evaluation):
        return published
    print(
        f"PROMOTION_MUST_BEAT={location} was judged on other held-out rows: running it on these",
        flush=True,
    )
    return rescore(location)


def published_evaluation(location: str, project: str | None) -> Evaluation | None:
    """The results that a published version has beside its files; None where it has none."""
    try:
        return Evaluation.from_json(
            json.loads(storage_at(location, project).read(EVALUATION) or "")
        )
    except (ValueError, KeyError, TypeError):
        return None


def rescore_incumbent(
    location: str,
    examples: Sequence[Example],
    settings: Settings,
    scratch: Path,
    device: "torch.device",
) -> Evaluation:
    """
    A published version's answers to these rows, with its own tokenizer, within EVALUATION_SECONDS.

    Raises:
        Unreachable: there is no such version, or one that is not finished.
    """
    from finetune.evaluation.evaluation import evaluate

    if storage_at(location, settings.project_id).read("_SUCCESS") is None:
        raise Unreachable(
            f"PROMOTION_MUST_BEAT={location} has no _SUCCESS: it is no published version. Correct "
            "it, or clear it"
        )
    source = source_files(
        location, "PROMOTION_MUST_BEAT", FILES, scratch / "incumbent", settings.project_id
    )
    model = load_model(source.path, device)
    return evaluate(model, load_tokenizer(source.path), examples, settings)


def _on_the_same_rows(published: Evaluation, evaluation: Evaluation) -> bool:
    if published.metrics.get("held_out_hash") != evaluation.metrics.get("held_out_hash"):
        return False
    # Both have cut the same order short, so that the shorter list is the start of the longer.
    return len(published.rows) >= len(evaluation.rows) // 2
