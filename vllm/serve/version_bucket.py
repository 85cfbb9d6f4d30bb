"""Reads a version from Cloud Storage, without downloading its weights."""

import tempfile
from pathlib import Path
from typing import Any

from serve.manifest import (
    LARGEST,
    MANIFEST,
    RETRAIN,
    SUCCESS,
    FileState,
    parse_manifest,
    require_run,
)
from serve.startup_error import StartupError, shown
from serve.version import Version, require_same


def verify_bucket(uri: str) -> Version:
    """Compares what Cloud Storage itself says of every object, size and crc32c, with the manifest.

    One listing and one small download, whatever the model's size. The crc32c is of the bytes that
    are stored (https://cloud.google.com/storage/docs/data-validation).

    Raises StartupError at the first thing that is wrong.
    """
    try:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage
    except ModuleNotFoundError as error:
        raise StartupError(
            f"--model={uri} needs google-cloud-storage, which is not installed ({error}); "
            "install runai-model-streamer[gcs], or serve a directory"
        ) from None
    where = uri.rstrip("/")
    bucket_name, _, prefix = where.removeprefix("gs://").partition("/")
    if not bucket_name or not prefix:
        raise StartupError(f"{uri}: expected gs://BUCKET/MODEL/RUN_ID, found no folder of a bucket")
    try:
        client = storage.Client()
        # Not get_bucket, which asks for more than reading objects.
        bucket = client.bucket(bucket_name)
        blobs = {
            blob.name.removeprefix(f"{prefix}/"): blob
            for blob in client.list_blobs(bucket, prefix=f"{prefix}/")
            if not blob.name.endswith("/")  # the console's folder markers
        }
        require_finished(where, blobs)
        data = blobs[MANIFEST].download_as_bytes()
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise StartupError(
            f"{where}: cannot be read ({shown(error)}); the service's identity needs "
            "roles/storage.objectViewer on the bucket"
        ) from None
    manifest = parse_manifest(f"{where}/{MANIFEST}", data)
    require_run(f"{where}/{MANIFEST}", manifest, where)
    found = {
        name: FileState(blob.size, blob.crc32c)
        for name, blob in blobs.items()
        if name not in (MANIFEST, SUCCESS)
    }
    checksums = require_same(where, manifest, found)
    path = Path(tempfile.mkdtemp(prefix="version-")) / MANIFEST
    path.write_bytes(data)
    return Version(where, manifest, path, checksums)


def require_finished(where: str, blobs: dict[str, Any]) -> None:
    if not blobs:
        raise StartupError(
            f"{where}: expected a version directory, found no object; check --model and the bucket"
        )
    if SUCCESS not in blobs:
        raise StartupError(
            f"{where}/{SUCCESS}: expected the mark of a finished version, found none; "
            "wait for its training run to end, or serve another run id"
        )
    if blobs[SUCCESS].size != 0:
        raise StartupError(
            f"{where}/{SUCCESS}: expected an empty file, "
            f"found {blobs[SUCCESS].size} bytes; {RETRAIN}"
        )
    if MANIFEST not in blobs:
        raise StartupError(f"{where}/{MANIFEST}: expected a manifest, found none; {RETRAIN}")
    if blobs[MANIFEST].size > LARGEST:
        raise StartupError(
            f"{where}/{MANIFEST}: expected at most {LARGEST} bytes, "
            f"found {blobs[MANIFEST].size}; {RETRAIN}"
        )
