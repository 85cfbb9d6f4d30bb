"""manifest.json: what a version was made from, and every file of it with size and crc32c."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serve.prompt_template import PromptTemplate
from serve.startup_error import StartupError, shown

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
FORMAT = 1
# A real one has some 10 kB. Whoever may write into the bucket must not fill the memory here.
LARGEST = 8 * 2**20
RUN_ID = re.compile(r"[0-9a-f]{12}")
CRC32C = re.compile(r"[A-Za-z0-9+/]{6}==")
# The largest object of Cloud Storage: https://cloud.google.com/storage/quotas
LARGEST_FILE = 5 * 2**40
RETRAIN = "serve another run id, or delete this directory and deploy again"


@dataclass(frozen=True)
class FileState:
    """What is known of a file: bytes, and the crc32c as Cloud Storage writes it, or None."""

    size: int
    crc32c: str | None


@dataclass(frozen=True)
class Manifest:
    """The manifest's content, and its files by name."""

    content: dict[str, Any]
    files: Mapping[str, FileState]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files.values())


def parse_manifest(where: str, data: bytes) -> Manifest:
    """The manifest, known to have all that serving relies on.

    Raises StartupError, which names `where` and what was found instead.
    """
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise StartupError(f"{where}: expected JSON, found {shown(error)}; {RETRAIN}") from None
    found = content.get("format") if isinstance(content, dict) else type(content).__name__
    # True equals 1 in Python, and so does 1.0.
    if type(found) is not int or found != FORMAT:
        raise StartupError(
            f"{where}: expected format {FORMAT}, found {shown(repr(found))}; "
            "serve it with the image of its time, or train it again"
        )
    require_prompt(where, content.get("prompt"))
    files = content.get("files")
    if not isinstance(files, list) or not files:
        raise StartupError(
            f"{where}: expected files with name, size and crc32c, "
            f"found {shown(repr(files))}; {RETRAIN}"
        )
    listed: dict[str, FileState] = {}
    for entry in files:
        name, state = parse_entry(where, entry)
        if name in listed:
            raise StartupError(
                f"{where}: expected every file once, found {name!r} twice; {RETRAIN}"
            )
        listed[name] = state
    if "config.json" not in listed or not any(is_weights(name) for name in listed):
        raise StartupError(
            f"{where}: expected config.json and *.safetensors among the files, "
            f"found {shown(', '.join(listed))}; {RETRAIN}"
        )
    return Manifest(content, listed)


def require_prompt(where: str, prompt: Any) -> None:
    try:
        PromptTemplate(prompt)
    except (ValueError, TypeError) as error:
        raise StartupError(
            f"{where}: expected a prompt template, found {shown(repr(prompt))} ({shown(error)}); "
            f"{RETRAIN}"
        ) from None


def parse_entry(where: str, entry: Any) -> tuple[str, FileState]:
    """One of `files`. A name is a path below the directory, and of a file that can be checked."""
    fields = entry if isinstance(entry, dict) else {}
    name, size, crc32c = (fields.get(key) for key in ("name", "size", "crc32c"))
    if not isinstance(name, str) or type(size) is not int or not isinstance(crc32c, str):
        raise StartupError(
            f"{where}: expected files with name, size and crc32c, "
            f"found {shown(repr(entry))}; {RETRAIN}"
        )
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or not name.isprintable() or "\\" in name:
        raise StartupError(
            f"{where}: expected names of files below this directory, "
            f"found {shown(repr(name))}; {RETRAIN}"
        )
    if name in (MANIFEST, SUCCESS):
        raise StartupError(f"{where}: expected files beside {name}, found it listed; {RETRAIN}")
    if not 0 <= size <= LARGEST_FILE or not CRC32C.fullmatch(crc32c):
        raise StartupError(
            f"{where}: {name}: expected a size of at most 5 TiB and the base64 of four bytes, "
            f"found {shown(str(size))} and {shown(repr(crc32c))}; {RETRAIN}"
        )
    return name, FileState(size, crc32c)


def is_weights(name: str) -> bool:
    """Whether vLLM loads the file; the adapter's lie one folder further down."""
    return "/" not in name and name.endswith(".safetensors")


def require_run(where: str, manifest: Manifest, directory: str) -> None:
    """A directory that is named after a run holds that run, and no copy of another."""
    name, run = directory.rstrip("/").rpartition("/")[2], manifest.content.get("run_id")
    if RUN_ID.fullmatch(name) and run != name:
        raise StartupError(
            f"{where}: expected the manifest of run {name}, found {shown(repr(run))}; {RETRAIN}"
        )
