"""What the weights of a run depend on, by name, so that two attempts can tell what differs."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

from finetune.data.encoding import Encoded
from finetune.publishing.manifest import library_versions
from finetune.settings import Settings

# JSON all through: names to texts, numbers and lists.
Inputs = dict[str, Any]


def inputs_of(
    settings: Settings,
    base: str,
    dataset: str,
    documents: list[Encoded],
    validation: list[Encoded],
    precision: str,
) -> Inputs:
    """
    `base` and `dataset` are resolved revisions, `precision` is what the base is loaded in here.

    The rows are hashed as tokens and labels, in their order: that takes in templates, columns,
    limits and the tokenizer.
    """
    return {
        "base": base,
        "dataset": dataset,
        "rows": rows_hash(documents),
        "validation rows": rows_hash(validation),
        "precision of the base": precision,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        **inputs_in_settings(settings),
    }


def inputs_in_settings(settings: Settings) -> Inputs:
    """Those that are known before anything is fetched."""
    hyperparameters = {name.upper(): value for name, value in settings.hyperparameters().items()}
    return {
        **hyperparameters,
        "recipe": settings.recipe_version,
        "trainer": settings.trainer_source_hash,
        **library_versions(),
    }


def rows_hash(documents: Iterable[Encoded]) -> str:
    """Names a list of encoded rows by its content."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.input_ids, document.labels]).encode())
    return digest.hexdigest()[:16]


def differences(old: Inputs, new: Inputs) -> list[str]:
    """One text for each input that differs: its name, what it was and what it is."""
    return [
        f"{name} was {json.dumps(old.get(name))} and is {json.dumps(new.get(name))}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]
