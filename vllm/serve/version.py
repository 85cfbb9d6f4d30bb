"""A version that may be served: every file as its manifest says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve.manifest import RETRAIN, FileState, Manifest
from serve.startup_error import StartupError, shown


@dataclass(frozen=True)
class Version:
    """A verified version.

    Args:
        location: what vLLM loads: a directory, or `gs://BUCKET/MODEL/RUN_ID`.
        manifest_path: a local copy of the manifest, for `GET /lineage`.
        checksums: how many files' crc32c were compared.
    """

    location: str
    manifest: Manifest
    manifest_path: Path
    checksums: int

    @property
    def content(self) -> dict[str, Any]:
        return self.manifest.content


def require_same(where: str, manifest: Manifest, found: Mapping[str, FileState]) -> int:
    """Compares what is there with the manifest's files; returns how many checksums were.

    Raises StartupError that names the first file that differs, and how. A file that the manifest
    doesn't list differs too: vLLM would load its weights, or take its tokenizer.
    """
    checksums = 0
    for name, expected in manifest.files.items():
        state = found.get(name)
        if state is None:
            raise StartupError(
                f"{where}/{name}: expected {expected.size} bytes, found no such file; {RETRAIN}"
            )
        if state.size != expected.size:
            raise StartupError(
                f"{where}/{name}: expected {expected.size} bytes, found {state.size}; {RETRAIN}"
            )
        if state.crc32c is not None:
            if state.crc32c != expected.crc32c:
                raise StartupError(
                    f"{where}/{name}: expected crc32c {expected.crc32c}, "
                    f"found {shown(state.crc32c)}; {RETRAIN}"
                )
            checksums += 1
    for name in sorted(found.keys() - manifest.files.keys()):
        raise StartupError(
            f"{where}/{shown(ascii(name)[1:-1])}: expected the files of the manifest alone, "
            f"found this one of {found[name].size} bytes too; remove it, or {RETRAIN}"
        )
    return checksums
