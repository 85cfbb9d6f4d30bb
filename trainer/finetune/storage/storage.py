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


class StorageFailure(OSError):
    """
    A storage refused or did not answer. One line: where, what was tried, and what to do about it.
    It can be mended without a new run id.
    """


class Storage(Protocol):
    """
    Names are relative, with forward slashes. Any method may raise StorageFailure (a bucket) or
    another OSError (a folder).
    """

    uri: str

    def below(self, name: str) -> "Storage":
        """The storage one folder further down."""

    def files(self) -> dict[str, StoredFile]:
        """Every file below, by name."""

    def read(self, name: str) -> str | None:
        """The text of a file, or None where there is none."""

    def read_bytes(self, name: str) -> bytes | None:
        """The content of a file, or None where there is none."""

    def write(self, name: str, text: str) -> None:
        """Writes a file, over an older one."""

    def write_bytes(self, files: dict[str, bytes]) -> None:
        """Writes files by name, over older ones, in no order that a reader could rely on."""

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
        Takes files over from another storage, create-only, and checks what has arrived. Raises
        AlreadyThere as `create` does.
        """

    def delete(self, names: list[str]) -> None:
        """Deletes files. One that is not there counts as deleted."""
