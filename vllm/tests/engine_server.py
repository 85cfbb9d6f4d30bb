"""The service as its container starts it, around vLLM itself and a tiny model."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tiny_model import save_tiny_llama
from tiny_version import finish

TESTS = Path(__file__).parent
# Ten seconds alone, and minutes on a machine that is busy with other things.
SECONDS_TO_HEALTH = 240
CONTEXT_LENGTH = 256


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    client: httpx.Client
    directory: Path
    log: Path

    def unfinished(self) -> float:
        """Requests that vLLM has running or waiting, as it says itself."""
        metrics = self.client.get("/metrics").text
        counts = re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} (.*)$", metrics, re.M)
        assert len(counts) == 2, metrics[:500]
        return sum(map(float, counts))

    def processes(self) -> list[int]:
        """Process ids: what was started, and what that started."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def resident_bytes(self) -> int:
        """RSS of all processes together."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self.processes()]
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in statuses) * 1024


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """`python -m serve` with the arguments that the service passes, once it is healthy."""
    directory = folder / "0123456789ab"
    directory.mkdir()
    save_tiny_llama(directory)
    finish(directory)
    log = folder / "log"
    # Compiling torch and vLLM takes half of the start, where nobody saves it.
    saved = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = os.environ.get("TUNESERVE_CACHE", Path.home() / ".cache" / "tuneserve")
    environment = {
        **saved,
        "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS / 'quick_start'}",
        "PYTHONPYCACHEPREFIX": str(Path(cache) / "bytecode"),
        "MODEL_ID": "tiny",
        "HF_HUB_OFFLINE": "1",
        "TUNESERVE_METRICS": "1",
        # The engine computes in its own process, as on one GPU. With 1, vllm/platforms/cpu.py gives
        # it another one to compute in, and both wait for each other at full speed.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        # Two threads wait for each other longer than such small matrices take.
        "OMP_NUM_THREADS": "1",
    }
    port = free_port()
    arguments = [
        *[f"--model={directory}", "--tensor-parallel-size=1", f"--port={port}"],
        *[f"--max-model-len={CONTEXT_LENGTH}", "--max-num-seqs=4", "--gpu-memory-utilization=0.9"],
    ]
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve", *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            while not healthy(client):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() - began < SECONDS_TO_HEALTH, log.read_text()[-3000:]
                time.sleep(0.2)
            print(f"healthy after {time.monotonic() - began:.1f} s")
            yield Server(process, port, client, directory, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False
