"""What a name in MODEL_NAME or DATASET_NAME points at, and the files behind it."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from finetune.storage.checksum import fingerprint
from finetune.storage.location import storage_at


@dataclass(frozen=True)
class Source:
    """
    A local directory or file, and the exact state it was taken from: a commit, or a fingerprint of
    the content.
    """

    path: Path
    resolved: str


class Unreachable(Exception):
    """
    A base or data set that is not there, or not for this token. It can be mended without a new run
    id.
    """


def is_hub_id(name: str) -> bool:
    """Whether a name is `owner/name` on the Hugging Face Hub rather than gs:// or a path."""
    return not name.startswith(("gs://", "/", "./", "../"))


def warn_of_branch(variable: str, revision: str) -> None:
    """A branch moves: the same run id may then stand for another result. A commit does not."""
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        print(
            f"warning: {variable}={revision} is not a commit and may move; "
            "pin the commit that the manifest names",
            file=sys.stderr,
            flush=True,
        )


def source_files(
    name: str, variable: str, wanted: tuple[str, ...], scratch: Path, project: str | None
) -> Source:
    """
    The files with one of the wanted endings behind gs:// (downloaded to scratch) or a path.

    Raises:
        Unreachable: nothing is there.
    """
    path = Path(name)
    if not name.startswith("gs://") and path.is_file():
        return Source(
            path, fingerprint({path.name: storage_at(str(path.parent)).files()[path.name]})
        )
    storage = storage_at(name, project)
    files = {file: stored for file, stored in storage.files().items() if file.endswith(wanted)}
    # Only what lies directly at the prefix: a folder below may be a checkpoint or another format of
    # the same model.
    files = {file: stored for file, stored in files.items() if "/" not in file}
    if not files:
        raise Unreachable(
            f"{variable}={name} holds no file ending in {' or '.join(wanted)}: "
            "upload it, or correct the name"
        )
    if name.startswith("gs://"):
        path = scratch
        path.mkdir(parents=True, exist_ok=True)
        storage.download(sorted(files), path)
    return Source(path, fingerprint(files))
