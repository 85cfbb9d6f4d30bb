"""Reads a version directory, and refuses one that is unfinished or damaged."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve.prompt_template import PromptTemplate
from serve.startup_error import StartupError

try:
    import google_crc32c
except ModuleNotFoundError:  # vLLM's image brings it through runai-model-streamer[gcs]
    google_crc32c = None

MANIFEST_FORMAT = 1
# Config and tokenizer files. Weights would be read twice through the bucket's mount, which takes
# minutes; their size tells a broken upload, and Cloud Storage checked their crc32c on arrival.
CHEAP_BYTES = 8 * 2**20
RETRAIN = "serve another run id, or delete this directory and deploy again"


@dataclass(frozen=True)
class Version:
    """A verified version: where it lies, its manifest, how many bytes and checksums were seen."""

    directory: Path
    manifest: dict[str, Any]
    bytes: int
    checksums: int

    @property
    def manifest_path(self) -> Path:
        return self.directory / "manifest.json"


def crc32c(path: Path) -> str:
    """The file's crc32c as Cloud Storage writes it: base64 of four big-endian bytes."""
    checksum = google_crc32c.Checksum()
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            checksum.update(block)
    return base64.b64encode(checksum.digest()).decode()


def verify(directory: Path, *, every_checksum: bool = False) -> Version:
    """Checks marker, manifest, and each file's presence, size and (where cheap) crc32c.

    `every_checksum` reads every byte. Raises StartupError at the first thing that is wrong.
    """
    if every_checksum and google_crc32c is None:
        raise StartupError(
            "--verify=all needs google-crc32c, which is not installed; "
            "install it, or leave the flag out"
        )
    if not directory.is_dir():
        raise StartupError(
            f"{directory}: expected a version directory, found none; "
            "check --model and the mounted volume"
        )
    if not (directory / "_SUCCESS").is_file():
        raise StartupError(
            f"{directory / '_SUCCESS'}: expected the mark of a finished version, found none; "
            "wait for its training run to end, or serve another run id"
        )
    manifest = read_manifest(directory / "manifest.json")
    checksums = 0
    for entry in manifest["files"]:
        path = directory / entry["name"]
        check_size(path, entry["size"])
        if google_crc32c and (every_checksum or entry["size"] <= CHEAP_BYTES):
            found = crc32c(path)
            if found != entry["crc32c"]:
                raise StartupError(
                    f"{path}: expected crc32c {entry['crc32c']}, found {found}; {RETRAIN}"
                )
            checksums += 1
    total = sum(entry["size"] for entry in manifest["files"])
    return Version(directory, manifest, total, checksums)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest, known to have the format, prompt and file entries that serving relies on."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StartupError(f"{path}: expected a manifest, found none; {RETRAIN}") from None
    except (ValueError, RecursionError) as error:
        raise StartupError(f"{path}: expected JSON, found {error}; {RETRAIN}") from None
    found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
    if found != MANIFEST_FORMAT:
        raise StartupError(
            f"{path}: expected format {MANIFEST_FORMAT}, found {found!r}; "
            "serve it with the image of its time, or train it again"
        )
    try:
        PromptTemplate(manifest.get("prompt"))
    except (ValueError, TypeError) as error:
        raise StartupError(
            f"{path}: expected a prompt template, found {manifest.get('prompt')!r} ({error}); "
            f"{RETRAIN}"
        ) from None
    files = manifest.get("files")
    if not isinstance(files, list) or not files or not all(map(is_entry, files)):
        raise StartupError(
            f"{path}: expected files with name, size and crc32c, found {str(files)[:80]}; {RETRAIN}"
        )
    return manifest


def is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), kind)
        for key, kind in (("name", str), ("size", int), ("crc32c", str))
    )


def check_size(path: Path, expected: int) -> None:
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        raise StartupError(
            f"{path}: expected {expected} bytes, found no such file; {RETRAIN}"
        ) from None
    if found != expected:
        raise StartupError(f"{path}: expected {expected} bytes, found {found}; {RETRAIN}")
