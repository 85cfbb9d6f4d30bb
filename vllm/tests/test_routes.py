"""The routes around a made-up vLLM, spoken to in ASGI messages."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from serve.routes import Routes

CODELAB = {"prompt": "Question: Which names are there? Context: CREATE TABLE people (name VARCHAR)"}


@dataclass
class Engine:
    """Stands for vLLM: remembers each request, and answers as it is told."""

    status: int = 200
    answer: Any = field(default_factory=lambda: {"choices": [{"text": " SELECT name"}]})
    slow: bool = False
    aborted: bool = False
    scopes: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        self.bodies.append((await receive()).get("body", b""))
        answer = self.answer
        # As vLLM's with_cancellation: whoever leaves while it generates gets `null`.
        if self.slow and (await receive())["type"] == "http.disconnect":
            self.aborted, answer = True, None
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: Any


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ask(engine, version_directory, monkeypatch):
    """Sends one request, its body in the given pieces; None when nothing was answered."""
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))
    routes = Routes(engine)

    def send_request(
        method: str,
        path: str,
        *pieces: bytes,
        headers: dict[str, str] | None = None,
        leave=False,
        cut=False,
    ) -> Answer | None:
        messages = [
            {"type": "http.request", "body": piece, "more_body": cut or number < len(pieces)}
            for number, piece in enumerate(pieces, start=1)
        ] or [{"type": "http.request", "body": b"", "more_body": False}]
        if leave or cut:
            messages.append({"type": "http.disconnect"})
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"a=b",
            "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        }
        asyncio.run(routes(scope, receive, send))
        if not sent:
            return None
        start, *rest = sent
        body = b"".join(message["body"] for message in rest)
        decoded = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], decoded, json.loads(body))

    return send_request


def generate(ask: Any, request: Any, **options: Any) -> Answer:
    return ask("POST", "/generate", json.dumps(request).encode(), **options)


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


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/scale_elastic_ep", "/v1", "/health/", "/"])
def test_fails_when_the_route_is_not_on_the_list(ask, engine, path):
    answer = ask("GET", path)
    assert answer.status == 404
    assert f"{path} is not served here; allowed: POST /generate" in answer.content["error"]
    assert engine.scopes == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/generate", "POST"), ("DELETE", "/lineage", "GET, HEAD")],
)
def test_fails_when_the_method_is_another(ask, method, path, allowed):
    answer = ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.content == {"error": f"{path} does not take {method}; allowed: {allowed}"}


def test_fails_when_the_announced_body_is_too_large(ask, engine):
    answer = ask("POST", "/generate", b"{", headers={"content-length": str(2**20 + 1)})
    assert answer.status == 413
    assert answer.content["error"].endswith("allowed are 1048576")


def test_fails_when_the_body_grows_too_large(ask, engine):
    answer = ask("POST", "/generate", *[bytes(2**19)] * 3)
    assert answer.status == 413
    assert engine.scopes == []


def test_fails_when_the_body_is_no_json(ask, engine):
    answer = ask("POST", "/generate", b"prompt=x")
    assert answer.status == 400
    assert answer.content["error"].startswith("the body must be JSON")


def test_fails_when_a_field_is_unknown(ask, engine):
    answer = generate(ask, {**CODELAB, "n": 2})
    assert answer.status == 422
    assert 'unknown field "n"; allowed: prompt, question, context' in answer.content["error"]
    assert engine.scopes == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"error": {"message": "prompt too long", "code": 400}}, "prompt too long"),
        ({"error": "no engine"}, "no engine"),
        (b"Internal Server Error", "Internal Server Error"),
        (b"", "vLLM gave no answer"),
    ],
)
def test_fails_when_vllm_refuses_and_passes_its_words_on(ask, engine, given, shown):
    engine.status, engine.answer = 400, given
    answer = generate(ask, CODELAB)
    assert (answer.status, answer.content) == (400, {"error": shown})


@pytest.mark.parametrize("given", [None, {"choices": 3}, b"<html>"])
def test_fails_when_vllm_gives_no_completion_to_a_client_that_stays(ask, engine, given):
    engine.answer = given
    answer = generate(ask, CODELAB)
    assert answer.status == 502
    assert answer.content["error"].startswith("vLLM gave no completion")


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
