"""
Markers: files that are written last and say what was written before them.

A process can be killed between any two writes. What has a marker, and files that are as it says, is
whole; everything else is as if it were not there.
"""

import json
from datetime import UTC, datetime
from typing import Any

from finetune.storage.checksum import crc32c_of
from finetune.storage.storage import Storage, StoredFile

Files = dict[str, StoredFile]


def described(files: dict[str, bytes]) -> Files:
    """Size and checksum of files by name."""
    return {name: StoredFile(len(data), crc32c_of(data)) for name, data in files.items()}


def write_marker(storage: Storage, name: str, files: Files, **note: Any) -> None:
    """Says that the files are all written. `note` is JSON to go with it."""
    marker = {
        "format": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **note,
        "files": [
            {"name": file, "size": stored.size, "crc32c": stored.crc32c}
            for file, stored in sorted(files.items())
        ],
    }
    storage.write(name, json.dumps(marker, indent=2) + "\n")


def read_marker(storage: Storage, name: str, stored: Files) -> dict[str, Any] | None:
    """
    A marker's content, or None where there is none or a file differs from what it says. `stored` is
    what the storage lists.
    """
    text = storage.read(name) if name in stored else None
    try:
        marker = json.loads(text or "null")
        files = marked_files(marker)
    except (ValueError, TypeError, KeyError):
        return None
    return marker if all(stored.get(file) == known for file, known in files.items()) else None


def marked_files(marker: dict[str, Any]) -> Files:
    """The files that a marker names."""
    return {file["name"]: StoredFile(file["size"], file["crc32c"]) for file in marker["files"]}
