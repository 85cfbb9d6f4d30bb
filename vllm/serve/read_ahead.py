"""Reads a version's weights into the page cache while vLLM is still importing.

`python -m serve.read_ahead FILE...`, a child that the start-up script leaves behind. Importing
torch and vLLM takes seconds in which the network idles; and vLLM reads a mounted file through
mmap, one page after the other, where this reads several ranges side by side. gcsfuse lets the
kernel keep pages from one open to the next (KeepPageCache in its OpenFile), so each byte is
fetched once.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

READERS = 8
# One reader's part: long enough that gcsfuse takes it for sequential reading.
RANGE = 128 * 2**20
BLOCK = 2**20


# Less is there before a second interpreter has started.
SMALLEST = 64 * 2**20


def worth_it(weights: int, available: int) -> bool:
    """Whether so many bytes are worth a process, and fit twice into the memory that is left: what
    is read ahead is memory of the container, and the kernel would drop the first pages for the
    last.
    """
    return SMALLEST <= weights <= available // 2


def available_memory() -> int:
    """Bytes that this container may still take."""
    meminfo = Path("/proc/meminfo").read_text()
    available = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    bytes_left = int(available.split()[1]) * 1024
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):  # no cgroup of version 2, or "max": no limit
        return bytes_left
    return min(bytes_left, limit - used)


def ranges(paths: Sequence[Path]) -> Iterator[tuple[Path, int, int]]:
    """Parts of the files in the order in which vLLM loads them."""
    for path in sorted(paths):
        size = path.stat().st_size
        for start in range(0, size, RANGE):
            yield path, start, min(RANGE, size - start)


def read_range(part: tuple[Path, int, int]) -> int:
    path, position, left = part
    with path.open("rb", buffering=0) as stream:
        while left > 0 and (block := os.pread(stream.fileno(), min(BLOCK, left), position)):
            position += len(block)
            left -= len(block)
    return position - part[1]


def read(paths: Sequence[Path]) -> int:
    """Bytes read."""
    with ThreadPoolExecutor(READERS) as pool:
        return sum(pool.map(read_range, ranges(paths)))


if __name__ == "__main__":
    try:
        read([Path(name) for name in sys.argv[1:]])
    except OSError as error:  # vLLM reads the file itself, and says what is wrong with it
        print(f"serve: reading ahead ended early: {error}", flush=True)
