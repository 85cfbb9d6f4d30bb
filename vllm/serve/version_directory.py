"""Reads a version from a directory, such as the bucket's mount; refuses one that is not whole."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from serve import checksum
from serve.manifest import (
    LARGEST,
    MANIFEST,
    RETRAIN,
    SUCCESS,
    FileState,
    Manifest,
    parse_manifest,
    require_run,
)
from serve.startup_error import StartupError, shown
from serve.version import Version, require_same

# Config and tokenizer files, which vLLM reads anyway. Weights would be read twice; their size tells
# a broken upload, and Cloud Storage checked their crc32c on arrival.
CHEAP_BYTES = 8 * 2**20
# Asking a mounted bucket for a file's size takes a request.
ASKERS = 16


def verify_directory(directory: Path, *, every_checksum: bool = False) -> Version:
    """Checks marker, manifest, and each file's presence, kind, size and (where cheap) crc32c.

    `every_checksum` reads every byte. Raises StartupError at the first thing that is wrong.
    """
    if every_checksum and not checksum.can_compute():
        raise StartupError(
            "--verify=all needs google-crc32c, which is not installed; "
            "install it, or leave the flag out"
        )
    if not directory.is_dir():
        raise StartupError(
            f"{directory}: expected a version directory, found none; "
            "check --model and the mounted volume"
        )
    try:
        files = regular_files(directory)
        require_marker(directory, files)
        manifest = read_manifest(directory, files)
        require_run(str(directory / MANIFEST), manifest, str(directory))
        found = {name: state for name, state in files.items() if name not in (MANIFEST, SUCCESS)}
        require_same(str(directory), manifest, found)
        return Version(
            location=str(directory),
            manifest=manifest,
            manifest_path=directory / MANIFEST,
            checksums=compare_checksums(directory, manifest, every_checksum),
        )
    except OSError as error:
        raise StartupError(
            f"{error.filename or directory}: {error.strerror}; check the mounted volume"
        ) from None


def regular_files(directory: Path) -> dict[str, FileState]:
    """Every file below by name. Raises StartupError for what is neither file nor folder: a link
    could point at something that is no part of the version.
    """
    entries: dict[str, os.DirEntry[str]] = {}
    folders = [("", directory)]
    while folders:
        prefix, folder = folders.pop()
        for entry in os.scandir(folder):
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append((f"{name}/", Path(entry.path)))
            elif entry.is_file(follow_symlinks=False):
                entries[name] = entry
            else:
                kind = "a link" if entry.is_symlink() else "neither file nor folder"
                raise StartupError(
                    f"{directory}/{shown(ascii(name)[1:-1])}: expected a file, "
                    f"found {kind}; {RETRAIN}"
                )
    with ThreadPoolExecutor(ASKERS) as pool:
        sizes = pool.map(lambda entry: entry.stat(follow_symlinks=False).st_size, entries.values())
        return {name: FileState(size, None) for name, size in zip(entries, sizes, strict=True)}


def require_marker(directory: Path, files: dict[str, FileState]) -> None:
    marker = files.get(SUCCESS)
    if marker is None:
        raise StartupError(
            f"{directory / SUCCESS}: expected the mark of a finished version, found none; "
            "wait for its training run to end, or serve another run id"
        )
    # The trainer writes it empty, so a cut one cannot be told from a whole one; a full one can.
    if marker.size != 0:
        raise StartupError(
            f"{directory / SUCCESS}: expected an empty file, found {marker.size} bytes; {RETRAIN}"
        )


def read_manifest(directory: Path, files: dict[str, FileState]) -> Manifest:
    path = directory / MANIFEST
    state = files.get(MANIFEST)
    if state is None:
        raise StartupError(f"{path}: expected a manifest, found none; {RETRAIN}")
    if state.size > LARGEST:
        raise StartupError(
            f"{path}: expected at most {LARGEST} bytes, found {state.size}; {RETRAIN}"
        )
    return parse_manifest(str(path), path.read_bytes())


def compare_checksums(directory: Path, manifest: Manifest, every: bool) -> int:
    if not checksum.can_compute():
        return 0
    names = [n for n, file in manifest.files.items() if every or file.size <= CHEAP_BYTES]
    names.sort(key=lambda name: -manifest.files[name].size)  # the longest read begins first
    computed = checksum.crc32c_of_all(directory, names)
    found = {
        name: FileState(file.size, computed.get(name)) for name, file in manifest.files.items()
    }
    return require_same(str(directory), manifest, found)
