"""CRC-32C as Cloud Storage reports it (https://cloud.google.com/storage/docs/data-validation)."""

import base64
import hashlib
from pathlib import Path

import google_crc32c

from finetune.storage.storage import StoredFile


def crc32c_of(data: bytes) -> str:
    """The checksum of bytes: base64, big endian."""
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def stored_file(path: Path) -> StoredFile:
    """Size and checksum of a local file, read in pieces."""
    checksum = google_crc32c.Checksum()
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            checksum.update(piece)
    return StoredFile(path.stat().st_size, base64.b64encode(checksum.digest()).decode())


def fingerprint(files: dict[str, StoredFile]) -> str:
    """Names a set of files by its content, as a commit names a Hub repository's."""
    lines = [f"{name} {file.size} {file.crc32c}\n" for name, file in sorted(files.items())]
    return "content:" + hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
