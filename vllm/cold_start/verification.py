"""How long the start-up script takes to verify a version."""

import os
import time
from pathlib import Path
from unittest.mock import patch

from cold_start.bucket_server import BucketServer
from serve.version import Version
from serve.version_bucket import verify_bucket
from serve.version_directory import verify_directory


def of_directory(directory: Path, what: str) -> None:
    for every in (False, True):
        began = time.monotonic()
        version = verify_directory(directory, every_checksum=every)
        report(f"{what}, {'every crc32c' if every else 'sizes'}", version, began)


def of_bucket(server: BucketServer, version: str) -> None:
    """The server computes each crc32c once, beforehand, as Cloud Storage does on arrival."""
    for name in server.objects.names():
        server.objects.describe(name)
    with patch.dict(os.environ, server.environment):
        began = time.monotonic()
        import google.cloud.storage  # noqa: F401

        print(f"  importing the storage client: {time.monotonic() - began:.2f} s")
        began = time.monotonic()
        found = verify_bucket(f"gs://models/{version}")
        report("in the bucket, by its metadata, every crc32c", found, began)


def report(what: str, version: Version, began: float) -> None:
    seconds = time.monotonic() - began
    size = version.manifest.bytes
    print(f"  {what}: {size / 1e9:.2f} GB in {seconds:.2f} s", flush=True)
