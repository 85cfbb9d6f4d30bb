"""A folder as a bucket: the files below it are the objects, by their paths."""

import time
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from serve.checksum import crc32c

BUCKET = "models"


class FolderBucket:
    """Answers as Cloud Storage does: https://cloud.google.com/storage/docs/json_api/v1/objects"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._creating = Lock()

    def names(self) -> list[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in files)

    def describe(self, name: str) -> dict[str, Any]:
        """An object's resource."""
        path = self.folder / name
        status = path.stat()
        moment = time.strftime("%FT%TZ", time.gmtime(status.st_mtime))
        return {
            "bucket": BUCKET,
            "name": name,
            "size": str(status.st_size),
            "crc32c": _checksum(path, status.st_mtime_ns),
            "generation": str(status.st_mtime_ns // 1000),
            "metageneration": "1",
            "timeCreated": moment,
            "updated": moment,
        }

    def listing(self, prefix: str, delimiter: str) -> dict[str, Any]:
        """What begins with `prefix`; of names with `delimiter` after it only what comes before."""
        items, prefixes = [], set()
        for name in self.names():
            if not name.startswith(prefix):
                continue
            folder, found, _ = name.removeprefix(prefix).partition(delimiter or "\0")
            if found:
                prefixes.add(prefix + folder + delimiter)
            else:
                items.append(self.describe(name))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}

    def create(self, name: str, data: bytes, only_new: bool) -> tuple[int, Any]:
        """Status and answer."""
        path = self.folder / name
        with self._creating:
            if only_new and path.exists():
                return 412, {"error": {"code": 412, "message": "conditionNotMet"}}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return 200, self.describe(name)


@cache
def _checksum(path: Path, _modified: int) -> str:
    return crc32c(path)
