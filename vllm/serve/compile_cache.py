"""What vLLM compiled, kept in the bucket between starts (`--compile-cache=gs://BUCKET/PREFIX`).

One object for a combination of image, version and arguments: the first instance that becomes
healthy creates it, later ones unpack it, nobody overwrites it. It holds code that vLLM runs, so
only identities that may run code in the service may create objects below PREFIX.
"""

import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serve import background
from serve.settings import Settings
from serve.startup_error import shown
from serve.version import Version

# Compiled graphs and kernels, the plan of the memory, what is known of the model's class. Not
# assets/: configuration files that the streamer fetched.
KEPT = ("torch_compile_cache", "startup_plan", "modelinfos")
LARGEST = 2 * 2**30
HEALTH_SECONDS = 1800


def used(
    prefix: str, settings: Settings, version: Version, build: str, environment: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """The environment in which vLLM finds its cache, and a few words on what was found.

    Whatever goes wrong costs time, never the start: vLLM compiles anew.
    """
    root = Path(tempfile.mkdtemp(prefix="vllm-cache-"))
    keep_model_classes(environment.get("VLLM_CACHE_ROOT"), root)
    # Skips measuring the memory, where the measure is known:
    # vllm/v1/worker/startup_plan.py.
    changed = {**environment, "VLLM_CACHE_ROOT": str(root), "VLLM_ENABLE_STARTUP_PLAN": "1"}
    uri = f"{prefix.rstrip('/')}/{cache_key(settings, version, build, environment)}.tar"
    try:
        data = download(uri)
    except Exception as error:
        return changed, f"no compile cache: {uri} cannot be read ({shown(error)})"
    if data is None:
        address = f"http://127.0.0.1:{settings.port}/health"
        background.start("serve.compile_cache", str(root), uri, address, environment=environment)
        return changed, f"no compile cache yet; it will be kept as {uri}"
    try:
        unpack(data, root)
    except (tarfile.TarError, OSError) as error:
        return changed, f"no compile cache: {uri} cannot be unpacked ({shown(error)})"
    return changed, f"compile cache {uri}, {len(data) / 1e6:.0f} MB"


def keep_model_classes(built_in: str | None, root: Path) -> None:
    """What the image knows of models' classes (serve/model_classes.py) stays known."""
    known = Path(built_in or "/nowhere") / "modelinfos"
    if known.is_dir():
        shutil.copytree(known, root / "modelinfos")


def cache_key(
    settings: Settings, version: Version, build: str, environment: Mapping[str, str]
) -> str:
    """Names what the cache depends on. vLLM compares more, and compiles where that differs."""
    parts = [
        build,
        environment.get("ACCELERATOR", ""),
        str(version.content.get("run_id")),
        version.location,
        settings.dtype,
        *settings.rest,
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def blob_of(uri: str) -> Any:
    from google.cloud import storage

    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return storage.Client().bucket(bucket).blob(name)


def download(uri: str) -> bytes | None:
    from google.api_core.exceptions import NotFound

    blob = blob_of(uri)
    try:
        blob.reload()
        if blob.size > LARGEST:
            raise ValueError(f"{blob.size} bytes are more than {LARGEST}")
        return blob.download_as_bytes()
    except NotFound:
        return None


def unpack(data: bytes, root: Path) -> None:
    """Plain files and folders below `root`; the filter refuses paths and links that lead out."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(root, filter="data")


def pack(root: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in KEPT:
            if (root / name).is_dir():
                archive.add(root / name, name)
    return packed.getvalue()


def keep(root: Path, uri: str, health: str) -> str:
    """Waits until vLLM is healthy, then creates the object. Returns what to say about it."""
    from google.api_core.exceptions import GoogleAPIError, PreconditionFailed

    if not healthy(health, HEALTH_SECONDS):
        return f"vLLM was not healthy after {HEALTH_SECONDS} s, nothing is kept"
    if not (root / KEPT[0]).is_dir():
        return "vLLM compiled nothing, nothing is kept"
    data = pack(root)
    if len(data) > LARGEST:
        return f"{len(data)} bytes are more than {LARGEST}, nothing is kept"
    try:
        blob_of(uri).upload_from_string(data, if_generation_match=0, checksum="crc32c")
    except PreconditionFailed:
        return f"another instance has kept {uri}"
    except (GoogleAPIError, OSError) as error:
        return f"{uri} was not kept: {shown(error)}"
    return f"kept {uri}, {len(data) / 1e6:.0f} MB"


def healthy(address: str, seconds: float) -> bool:
    parent = os.getppid()
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.getppid() == parent:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    return False


if __name__ == "__main__":
    folder, to, asked = sys.argv[1:]
    print(f"serve: compile cache: {keep(Path(folder), to, asked)}", flush=True)
