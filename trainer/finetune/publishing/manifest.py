"""manifest.json: what a version was made from, and every file of it with size and checksum."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from finetune.settings import Settings
from finetune.storage.checksum import stored_file
from finetune.storage.storage import StoredFile

MANIFEST = "manifest.json"
LIBRARIES = "torch transformers trl peft datasets accelerate tokenizers bitsandbytes"


@dataclass(frozen=True)
class Lineage:
    """
    The exact states of base and data set (commit, or fingerprint of the content), and the base's
    licence.
    """

    base: str
    dataset: str
    licence: str | None


def write_manifest(
    directory: Path,
    settings: Settings,
    lineage: Lineage,
    metrics: dict[str, Any],
    weights: Mapping[str, StoredFile] | None = None,
) -> dict[str, Any]:
    """
    Describes a finished local directory: UTF-8, sorted keys, files sorted by name. `weights` are
    files of the version that have been uploaded and are not in the directory any more.
    """
    files = dict(weights or {}) | {
        path.relative_to(directory).as_posix(): stored_file(path)
        for path in directory.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    manifest = {
        "format": 1,
        "run_id": settings.run_id,
        "model": settings.new_model,
        "recipe": settings.recipe_version,
        "trainer": settings.trainer_source_hash,
        "base": {
            "id": settings.model_name,
            "revision": settings.model_revision,
            "resolved": lineage.base,
        },
        "dataset": {
            "id": settings.dataset_name,
            "revision": settings.dataset_revision,
            "resolved": lineage.dataset,
            "split": settings.dataset_split,
            "limit": settings.dataset_limit,
            "columns": settings.dataset_columns,
            # How a server asks: the prompt below says nothing about a model of chats.
            "format": settings.dataset_format,
        },
        "prompt": settings.prompt_template,
        "completion": settings.completion_template,
        "hyperparameters": settings.hyperparameters(),
        "versions": library_versions(),
        "metrics": metrics,
        "license": lineage.licence,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [
            {"name": name, "size": file.size, "crc32c": file.crc32c}
            for name, file in sorted(files.items())
        ],
    }
    (directory / MANIFEST).write_text(
        json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8"
    )
    return manifest


def library_versions() -> dict[str, str]:
    """What is installed of the libraries that results depend on, without importing them."""
    versions = {"python": sys.version.split()[0]}
    for name in LIBRARIES.split():
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # bitsandbytes is absent where nothing runs on CUDA
    return versions
