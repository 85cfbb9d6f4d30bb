"""A folder as storage: a mounted volume, or a rehearsal without a cloud."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finetune.storage.checksum import crc32c_of, stored_file
from finetune.storage.storage import AlreadyThere, Storage, StoredFile

PARTIAL = ".partial"


class Folder:
    """
    See `Storage`. A file appears under its name only when it is whole and on the disk, so that
    neither a crash nor a power cut leaves half of one.
    """

    def __init__(self, directory: Path) -> None:
        self.uri = str(directory)
        self._directory = directory

    def below(self, name: str) -> "Folder":
        return Folder(self._directory / name)

    def files(self) -> dict[str, StoredFile]:
        return {
            path.relative_to(self._directory).as_posix(): stored_file(path)
            for path in sorted(self._directory.rglob("*"))
            if path.is_file() and not path.name.endswith(PARTIAL)
        }

    def read(self, name: str) -> str | None:
        data = self.read_bytes(name)
        return None if data is None else data.decode()

    def read_bytes(self, name: str) -> bytes | None:
        path = self._directory / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, text: str) -> None:
        self.write_bytes({name: text.encode()})

    def write_bytes(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            with self._whole(name) as partial:
                partial.write_bytes(data)

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
            if self._holds(name, file):
                continue
            with self._whole(name) as partial:
                if isinstance(source, Folder):
                    shutil.copyfile(source._directory / name, partial)
                else:
                    partial.write_bytes(source.read_bytes(name) or b"")
                if stored_file(partial) != file:
                    raise OSError(f"{source.uri}/{name} changed while it was copied")

    def delete(self, names: list[str]) -> None:
        for name in names:
            path = self._directory / name
            path.unlink(missing_ok=True)
            # A bucket has no empty folders.
            while path.parent != self._directory:
                path = path.parent
                with suppress(OSError):  # it holds other files, or is gone already
                    path.rmdir()

    def _holds(self, name: str, file: StoredFile) -> bool:
        path = self._directory / name
        if not path.exists():
            return False
        if stored_file(path) != file:
            raise AlreadyThere(f"{path} exists with other bytes; a version is never overwritten")
        return True

    @contextmanager
    def _whole(self, name: str) -> Iterator[Path]:
        path = self._directory / name
        partial = path.with_name(path.name + PARTIAL)
        _make_directory(path.parent)
        try:
            yield partial
            _reach_the_disk(partial)
            os.replace(partial, path)
            _reach_the_disk(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _make_directory(directory: Path) -> None:
    if not directory.is_dir():
        _make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        _reach_the_disk(directory.parent)


def _reach_the_disk(path: Path) -> None:
    # A file's name is its directory's content: both have to be flushed, the file first.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some mounted buckets have no fsync for directories; there the name is an object's own.
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)
