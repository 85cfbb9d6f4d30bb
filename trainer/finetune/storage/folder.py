"""A folder as storage: a mounted volume, or a rehearsal without a cloud."""

import os
import shutil
from pathlib import Path

from finetune.storage.checksum import crc32c_of, stored_file
from finetune.storage.storage import AlreadyThere, Storage, StoredFile


class Folder:
    """
    See `Storage`. A file appears under its name only when it is whole, so that a crash leaves no
    half of one.
    """

    def __init__(self, directory: Path) -> None:
        self.uri = str(directory)
        self._directory = directory

    def files(self) -> dict[str, StoredFile]:
        return {
            path.relative_to(self._directory).as_posix(): stored_file(path)
            for path in sorted(self._directory.rglob("*"))
            if path.is_file() and not path.name.endswith(".partial")
        }

    def read(self, name: str) -> str | None:
        path = self._directory / name
        return path.read_text("utf-8") if path.is_file() else None

    def write(self, name: str, text: str) -> None:
        with self._whole(name) as partial:
            partial.write_bytes(text.encode())

    def create(self, name: str, text: str) -> None:
        data = text.encode()
        if not self._holds(name, StoredFile(len(data), crc32c_of(data))):
            self.write(name, text)

    def upload(self, directory: Path, names: list[str]) -> None:
        for name in names:
            with self._whole(name) as partial:
                shutil.copyfile(directory / name, partial)

    def download(self, names: list[str], directory: Path) -> None:
        Folder(directory).upload(self._directory, names)

    def copy_from(self, source: Storage, files: dict[str, StoredFile]) -> None:
        for name, file in files.items():
            if not self._holds(name, file):
                self.upload(Path(source.uri), [name])

    def _holds(self, name: str, file: StoredFile) -> bool:
        path = self._directory / name
        if not path.exists():
            return False
        if stored_file(path) != file:
            raise AlreadyThere(f"{path} exists with other bytes; a version is never overwritten")
        return True

    def _whole(self, name: str) -> "_WholeFile":
        return _WholeFile(self._directory / name)


class _WholeFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")

    def __enter__(self) -> Path:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._partial

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            os.replace(self._partial, self._path)
        else:
            self._partial.unlink(missing_ok=True)
