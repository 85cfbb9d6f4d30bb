"""One prefix of a bucket, or one folder: where bases and data come from and where versions go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredFile:
    """
    A file as its storage describes it: bytes, and the CRC-32C in base64, big endian, as Cloud
    Storage writes it.
    """

    size: int
    crc32c: str


class AlreadyThere(Exception):
    """A file of a version exists with other bytes. Versions are never overwritten."""


class Storage(Protocol):
    """Names are relative, with forward slashes."""

    uri: str

    def files(self) -> dict[str, StoredFile]:
        """Every file below, by name."""

    def read(self, name: str) -> str | None:
        """The text of a file, or None where there is none."""

    def write(self, name: str, text: str) -> None:
        """Writes a file, over an older one."""

    def create(self, name: str, text: str) -> None:
        """
        Writes a file that is not there yet. Raises AlreadyThere where one with other bytes is.
        """

    def upload(self, directory: Path, names: list[str]) -> None:
        """Writes files of a local directory, over older ones."""

    def download(self, names: list[str], directory: Path) -> None:
        """Copies files into a local directory."""

    def copy_from(self, source: "Storage", files: dict[str, StoredFile]) -> None:
        """
        Takes files over from another storage of the same kind. Raises AlreadyThere as `create`
        does.
        """


def storage_at(uri: str, project: str | None = None) -> Storage:
    """
    The storage at `gs://BUCKET/PREFIX` or at a path.

    The Google client is imported only where it is needed: it takes a second. It honours
    STORAGE_EMULATOR_HOST.
    """
    if uri.startswith("gs://"):
        from finetune.storage.cloud_storage import CloudStorage

        return CloudStorage(uri, project)
    from finetune.storage.folder import Folder

    return Folder(Path(uri))
