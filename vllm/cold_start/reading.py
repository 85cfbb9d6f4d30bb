"""How long a mounted version's weights take to arrive, and whether they arrive twice."""

import time
from pathlib import Path
from unittest.mock import patch

from cold_start.bucket_server import BucketServer
from serve import read_ahead


def of_mount(server: BucketServer, directory: Path, readers: int) -> None:
    """Reads all weights as the start-up script does, then once more as vLLM would."""
    paths = sorted(directory.glob("*.safetensors"))
    sent = server.sent
    # Parts small enough that every reader gets some of so little.
    with patch.object(read_ahead, "READERS", readers), patch.object(read_ahead, "RANGE", 2**25):
        began = time.monotonic()
        size = read_ahead.read(paths)
        first = time.monotonic() - began
        fetched = server.sent - sent
        began = time.monotonic()
        read_ahead.read(paths)
    second = time.monotonic() - began
    again = server.sent - sent - fetched
    print(
        f"  {readers} readers: {size / 1e6:.0f} MB in {first:.1f} s "
        f"({size / 1e6 / first:.0f} MB/s), {fetched / size:.2f} of it fetched; "
        f"once more in {second:.1f} s, {again / size:.2f} of it fetched",
        flush=True,
    )
