"""The local bucket, mounted by gcsfuse itself, as Cloud Run mounts one."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cold_start.bucket_server import BucketServer
from cold_start.folder_bucket import BUCKET

SECONDS_TO_MOUNT = 20


@contextmanager
def mounted(server: BucketServer, program: Path, mount_point: Path) -> Iterator[Path]:
    """Read-only, with gcsfuse's own defaults. Needs /dev/fuse and the right to mount."""
    mount_point.mkdir(exist_ok=True)
    arguments = [
        *["--foreground", "--implicit-dirs", "--anonymous-access", "-o", "ro"],
        # Their checks speak gRPC, which the local server does not.
        *["--enable-hns=false", f"--custom-endpoint={server.url}/storage/v1/"],
    ]
    # To a file: a pipe would stay open for as long as a mount that cannot be taken down.
    log = mount_point.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *arguments, BUCKET, mount_point], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + SECONDS_TO_MOUNT
        while not os.path.ismount(mount_point):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"gcsfuse did not mount: {log.read_text()[-500:]}")
            time.sleep(0.1)
        yield mount_point
    finally:
        subprocess.run(["umount", "-l", mount_point], check=False)
        process.kill()
        process.wait()
