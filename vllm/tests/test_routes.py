"""The routes around a made-up vLLM, spoken to in ASGI messages."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from made_up_engine import CODELAB, generate
from serve.routes import Routes

CHATS = {"dataset": {"format": "messages"}}


def test_the_codelabs_request_gets_predictions(ask, engine):
    answer = generate(ask, CODELAB, headers={"content-type": "application/json"})
    assert (answer.status, answer.content) == (200, {"predictions": [" SELECT name"]})
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(engine.bodies[0]) == {**CODELAB, "max_tokens": 256, "temperature": 0}


def test_vllm_sees_a_completion_request(ask, engine):
    headers = {
        "authorization": "Bearer key",
        "content-type": 'Application/JSON; charset="UTF-8"',
        "content-length": "99",
    }
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


def test_instances_are_asked_at_once_and_answered_in_their_order(ask, engine):
    prompts = [f"question {number}" for number in range(20)]
    answer = generate(ask, {"instances": [{"prompt": prompt} for prompt in prompts]})
    assert answer.content == {"predictions": [" SELECT name"] * 20}
    assert [json.loads(body)["prompt"] for body in engine.bodies] == prompts


def test_a_model_that_was_trained_on_chats_answers_a_message(ask, engine, version_directory):
    manifest = version_directory / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), **CHATS}))
    engine.answer = {"choices": [{"message": {"content": "Hello."}}]}
    assert generate(ask, {"prompt": "Hi"}).content == {"predictions": ["Hello."]}
    assert engine.scopes[0]["path"] == "/v1/chat/completions"
    assert json.loads(engine.bodies[0])["messages"] == [{"role": "user", "content": "Hi"}]


def test_the_context_length_comes_from_vllms_application(ask, engine):
    model = SimpleNamespace(max_model_len=64)
    state = SimpleNamespace(vllm_config=SimpleNamespace(model_config=model))
    generate(ask, CODELAB, app=SimpleNamespace(state=state))
    assert json.loads(engine.bodies[0])["max_tokens"] == 64


def test_a_body_may_come_in_pieces(ask, engine):
    body = json.dumps(CODELAB).encode()
    answer = ask("POST", "/generate", body[:7], b"", body[7:])
    assert answer.status == 200
    assert json.loads(engine.bodies[0])["prompt"] == CODELAB["prompt"]


def test_lineage_is_the_manifest(ask, version_directory):
    answer = ask("GET", "/lineage")
    assert answer.content == json.loads((version_directory / "manifest.json").read_bytes())


@pytest.mark.parametrize("path", ["/health", "/v1/models"])
def test_vllms_own_answers_are_left_alone(ask, engine, path):
    assert ask("GET", path).content == engine.answer
    assert engine.scopes[0]["path"] == path


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_requests_to_vllms_own_api_reach_it_byte_by_byte(ask, engine, path):
    body = b'{"messages": [ ], "n": 2,\n"stream": true}'
    assert ask("POST", path, body[:9], body[9:]).content == engine.answer
    assert (engine.scopes[0]["path"], engine.bodies) == (path, [body])


@pytest.mark.parametrize("path", ["/generate", "/v1/completions"])
def test_a_client_that_leaves_aborts_its_request(ask, engine, path):
    engine.slow = True
    answer = ask("POST", path, json.dumps(CODELAB).encode(), leave=True)
    assert engine.aborted == 1
    # Of vLLM's own answer, `null`, the server sends nothing to a connection that is gone.
    assert answer is None or path == "/v1/completions"


def test_a_client_that_leaves_aborts_all_of_its_instances(ask, engine):
    engine.slow = True
    assert generate(ask, {"instances": [CODELAB] * 5}, leave=True) is None
    assert engine.aborted == 5


def test_an_instance_that_is_refused_aborts_the_others(ask, engine):
    engine.slow, engine.refuses = True, "far too long"
    answer = generate(ask, {"instances": [CODELAB, {"prompt": "far too long"}, CODELAB]})
    assert (answer.status, answer.content) == (400, {"error": "instances[1]: prompt too long"})
    assert engine.aborted == 2


@pytest.mark.parametrize("path", ["/generate", "/v1/completions"])
def test_a_client_that_leaves_within_the_body_never_reaches_vllm(ask, engine, path):
    assert ask("POST", path, b'{"prom', cut=True) is None
    assert engine.scopes == []


def test_metrics_are_served_where_the_setting_says_so(ask, engine, monkeypatch):
    monkeypatch.setenv("TUNESERVE_METRICS", "1")
    assert ask("GET", "/metrics").content == engine.answer
    for value in ("0", "", "true"):
        monkeypatch.setenv("TUNESERVE_METRICS", value)
        assert ask("GET", "/metrics").status == 404


def test_below_a_root_path_the_routes_are_the_same(ask, engine):
    body = json.dumps(CODELAB).encode()
    assert ask("POST", "/sql/generate", body, root_path="/sql").status == 200
    assert engine.scopes[0]["path"] == "/sql/v1/completions"
    assert ask("GET", "/sql/metrics", root_path="/sql").status == 404
    assert ask("GET", "/sql/lineage").status == 404


def test_websockets_are_closed(engine, version_directory, monkeypatch):
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))
    routes, sent = Routes(engine), []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for path in ("/v1/realtime", "/generate"):
        asyncio.run(routes({"type": "websocket", "path": path}, None, send))
    assert engine.scopes == []
    assert sent == [{"type": "websocket.close", "code": 1008}] * 2


def test_start_and_end_of_the_server_reach_vllm(engine, version_directory, monkeypatch):
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))
    asyncio.run(Routes(engine)({"type": "lifespan"}, None, None))
    assert engine.scopes == [{"type": "lifespan"}]
