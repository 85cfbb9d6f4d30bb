"""The routes around a made-up vLLM, spoken to in ASGI messages."""

import asyncio
import json
from typing import Any

import pytest

from made_up_engine import CODELAB, generate
from serve.routes import Routes


def test_the_codelabs_request_gets_predictions(ask, engine):
    answer = generate(ask, CODELAB)
    assert (answer.status, answer.content) == (200, {"predictions": [" SELECT name"]})
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(engine.bodies[0]) == {**CODELAB, "max_tokens": 256, "temperature": 0}


def test_vllm_sees_a_completion_request(ask, engine):
    headers = {"authorization": "Bearer key", "content-type": "text/plain", "content-length": "9"}
    generate(ask, CODELAB, headers=headers)
    (scope,) = engine.scopes
    assert (scope["method"], scope["path"], scope["raw_path"], scope["query_string"]) == (
        *("POST", "/v1/completions", b"/v1/completions", b""),
    )
    assert dict(scope["headers"]) == {
        b"authorization": b"Bearer key",
        b"content-type": b"application/json",
        b"content-length": str(len(engine.bodies[0])).encode(),
    }


def test_question_and_context_are_put_into_the_manifests_template(ask, engine):
    generate(ask, {"question": "How many?", "context": "CREATE TABLE t (a INT)"})
    expected = "Question: How many?\nContext: CREATE TABLE t (a INT)\nAnswer:"
    assert json.loads(engine.bodies[0])["prompt"] == expected


def test_a_body_may_come_in_pieces(ask, engine):
    body = json.dumps(CODELAB).encode()
    answer = ask("POST", "/generate", body[:7], b"", body[7:])
    assert answer.status == 200
    assert json.loads(engine.bodies[0])["prompt"] == CODELAB["prompt"]


def test_lineage_is_the_manifest(ask, version_directory):
    answer = ask("GET", "/lineage")
    assert answer.content == json.loads((version_directory / "manifest.json").read_bytes())


@pytest.mark.parametrize("path", ["/health", "/version", "/v1/models", "/v1/chat/completions"])
def test_vllms_own_routes_are_left_alone(ask, engine, path):
    answer = ask("POST", path, b"anything")
    assert answer.content == engine.answer
    assert (engine.scopes[0]["path"], engine.bodies) == (path, [b"anything"])


def test_a_client_that_leaves_aborts_its_request_and_is_not_answered(ask, engine):
    engine.slow = True
    assert generate(ask, CODELAB, leave=True) is None
    assert engine.aborted


def test_a_client_that_leaves_within_the_body_never_reaches_vllm(ask, engine):
    assert ask("POST", "/generate", b'{"prom', cut=True) is None
    assert engine.scopes == []


def test_a_websocket_is_open_below_v1_alone(engine, version_directory, monkeypatch):
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))
    routes, sent = Routes(engine), []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for path in ("/v1/realtime", "/other"):
        asyncio.run(routes({"type": "websocket", "path": path}, None, send))
    assert [scope["path"] for scope in engine.scopes] == ["/v1/realtime"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_start_and_end_of_the_server_reach_vllm(engine, version_directory, monkeypatch):
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))
    asyncio.run(Routes(engine)({"type": "lifespan"}, None, None))
    assert engine.scopes == [{"type": "lifespan"}]
