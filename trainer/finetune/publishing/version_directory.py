"""
A version directory: what it holds, how it is staged and how it becomes public.

The finished version is first written to the checkpoint area and then copied, create-only, to where
readers look. A GPU run is not repeatable bit for bit and a version is never overwritten: an attempt
that follows a crash in mid-publish has to go on with the very bytes of the first, so it finds them
staged and trains nothing.
"""

import json
from pathlib import Path
from typing import Any

from finetune.publishing.manifest import MANIFEST, Lineage, write_manifest
from finetune.settings import Settings
from finetune.storage.storage import Storage, StoredFile

SUCCESS, STAGING = "_SUCCESS", "staging"


class BrokenVersion(Exception):
    """A published or staged version does not match its manifest."""


def stage(
    directory: Path,
    base: Path,
    adapter: Path,
    checkpoint: Storage,
    settings: Settings,
    lineage: Lineage,
    metrics: dict[str, Any],
) -> None:
    """
    Merges base and adapter into the staging area, file by file, then adds what the local directory
    holds (`write_version_files`, the card, ...), and the manifest last of all.

    An attempt that finds files of an earlier one writes the same again. Raises what
    `publish_merged` raises.
    """
    # Here, since an attempt that only publishes need not wait for torch.
    from finetune.publishing.merging import publish_merged

    staging = checkpoint.below(STAGING)
    staging.delete([MANIFEST])
    weights = publish_merged(
        base, adapter, directory, lambda path: staging.upload(directory, [path.name])
    )
    manifest = write_manifest(directory, settings, lineage, metrics, weights)
    names = [file["name"] for file in manifest["files"] if file["name"] not in weights]
    staging.upload(directory, names)
    staging.upload(directory, [MANIFEST])


def staged_manifest(checkpoint: Storage, settings: Settings) -> dict[str, Any] | None:
    """
    The manifest of a complete staging area, or None where there is none or it is not of this run.
    """
    staging = checkpoint.below(STAGING)
    text = staging.read(MANIFEST)
    if text is None:
        return None
    manifest = json.loads(text)
    if manifest["run_id"] != settings.run_id or _mismatches(manifest, staging.files()):
        return None
    return manifest


def publish(checkpoint: Storage, output: Storage, manifest: dict[str, Any]) -> None:
    """
    Copies a complete staging area to where readers look: files, then the manifest, then `_SUCCESS`.

    Raises:
        AlreadyThere: a file is there with other bytes.
    """
    staging = checkpoint.below(STAGING)
    output.copy_from(staging, _files(manifest))
    # The manifest's own text, not a second rendering of it: a later attempt has to find the same
    # bytes.
    output.create(MANIFEST, staging.read(MANIFEST) or "")
    output.create(SUCCESS, "")


def is_published(output: Storage) -> bool:
    """
    Whether readers already have the version.

    Raises:
        BrokenVersion: `_SUCCESS` is there, and a file is missing or differs from the manifest.
    """
    if output.read(SUCCESS) is None:
        return False
    text = output.read(MANIFEST)
    faults = [MANIFEST] if text is None else _mismatches(json.loads(text), output.files())
    if faults:
        raise BrokenVersion(
            f"{output.uri} has {SUCCESS}, but {', '.join(faults[:3])} is missing or differs from "
            f"{MANIFEST}: restore it, or remove the whole directory to train again"
        )
    return True


def _files(manifest: dict[str, Any]) -> dict[str, StoredFile]:
    return {file["name"]: StoredFile(file["size"], file["crc32c"]) for file in manifest["files"]}


def _mismatches(manifest: dict[str, Any], stored: dict[str, StoredFile]) -> list[str]:
    return [name for name, file in _files(manifest).items() if stored.get(name) != file]
