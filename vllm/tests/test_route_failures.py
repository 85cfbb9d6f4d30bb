"""What a client is told when a request is not served."""

import pytest

from made_up_engine import CODELAB, generate
from serve import request_body

POSTED = ["/generate", "/v1/completions", "/v1/chat/completions"]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/metrics", "/docs", "/openapi.json", "/version", "/scale_elastic_ep", "/tokenize"),
        *("/v1", "/v1/", "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/v1/responses"),
        *("/v1/embeddings", "/v1/completions/render", "/invocations", "/inference/v1/generate"),
        *("//generate", "/generate/", "/generate//", "/Generate", "/health/", "/lineage/.", ""),
        *("/v1/../metrics", "/v1/models/../../metrics", "/v1/models/", "/generate%00"),
        *("/v1/%2e%2e/metrics", "http://h/metrics", "/v1\\..\\metrics", "/generate;x", "/générer"),
        "/generate\0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fails_when_the_route_is_not_on_the_list(ask, engine, method, path):
    answer = ask(method, path)
    assert answer.status == 404
    assert f"{path!r} is not served here; allowed: POST /generate, GET /lineage" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *[(method, "/generate", "POST") for method in ("GET", "HEAD", "OPTIONS", "PUT", "BREW")],
        *[("DELETE", "/lineage", "GET, HEAD"), ("POST", "/health", "GET")],
        *[("GET", "/v1/completions", "POST"), ("OPTIONS", "/v1/models", "GET")],
    ],
)
def test_fails_when_the_method_is_another(ask, engine, method, path, allowed):
    answer = ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.message == f"{path} does not take {method}; allowed: {allowed}"
    assert engine.scopes == []


def test_errors_below_v1_have_the_form_that_openais_clients_read(ask):
    answer = ask("POST", "/v1/completions", b"{")
    assert answer.status == 400
    assert set(answer.content["error"]) == {"message", "type", "param", "code"}
    assert (answer.content["error"]["type"], answer.content["error"]["code"]) == (
        *("Bad Request", 400),
    )


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body must be JSON"),
        (b"prompt=x", "the body must be JSON"),
        pytest.param(b"[" * 3000, "nested 3000 levels deep, allowed are 64", id="lists"),
        pytest.param(b'{"prompt":' * 3000, "nested 3000 levels deep, allowed are 64", id="objects"),
        (b'{"temperature": NaN}', "NaN is no JSON number"),
        (b'{"prompt": "a", "prompt": "b"}', "comes twice"),
        (b'{"prompt": "\\ud800"}', "surrogates not allowed"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
    ],
)
def test_fails_when_the_body_is_no_json(ask, engine, path, body, words):
    answer = ask("POST", path, body)
    assert answer.status == 400
    assert words in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "headers",
    [{"content-length": str(2**24 + 1)}, {"content-length": str(2**20 + 1), "expect": "100-c..."}],
)
def test_fails_at_once_when_the_announced_body_is_far_too_large(ask, engine, path, headers):
    answer = ask("POST", path, b"{", headers=headers, waits=True)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert answer.message.endswith("allowed are 1048576; send less at once")


@pytest.mark.parametrize("path", POSTED)
def test_fails_when_the_body_is_too_large_and_says_so_once_it_has_been_sent(ask, engine, path):
    answer = ask("POST", path, *[b" " * 2**19] * 3)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert "the body has 1572864 bytes or more" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("path", POSTED)
def test_fails_when_the_body_grows_without_an_end(ask, engine, path):
    answer = ask("POST", path, *[b" " * 2**20] * 17, waits=True)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("path", POSTED)
def test_fails_when_the_body_never_ends(ask, engine, path, monkeypatch):
    monkeypatch.setattr(request_body, "MOST_SECONDS", 0.05)
    # More is announced, and nothing comes: the fixture's client waits for ever.
    answer = ask("POST", path, b'{"prompt"', waits=True)
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert "incomplete after 0.05 seconds" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_fails_when_the_body_is_compressed(ask, engine, path, encoding):
    answer = ask("POST", path, b"\x1f\x8b", headers={"content-encoding": encoding})
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")
    assert f"content-encoding '{encoding}', allowed is none" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""],
)
def test_fails_when_the_body_is_announced_as_something_else(ask, engine, path, content_type):
    answer = ask("POST", path, b"{}", headers={"content-type": content_type})
    assert answer.status == 415
    assert f"content-type '{content_type}', allowed is application/json" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize(
    "headers",
    [{f"x-{number}": "1" for number in range(101)}, {"cookie": "c" * 2**15}],
)
def test_fails_when_there_are_headers_beyond_reason(ask, engine, headers):
    answer = ask("GET", "/health", headers=headers)
    assert (answer.status, answer.headers["connection"]) == (431, "close")
    assert "allowed are 100 of 32768; send fewer" in answer.message
    assert engine.scopes == []


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


@pytest.mark.parametrize("given", [None, {"choices": 3}, {"choices": []}, b"<html>"])
def test_fails_when_vllm_gives_no_completion_to_a_client_that_stays(ask, engine, given):
    engine.answer = given
    answer = generate(ask, CODELAB)
    assert answer.status == 502
    assert answer.content["error"].startswith("vLLM gave no completion")


def test_fails_when_vllm_fails_and_still_in_json(ask, engine):
    engine.raises = RecursionError("too deep")
    answer = generate(ask, {"instances": [CODELAB, CODELAB]})
    assert answer.status == 500
    expected = "instances[0]: vLLM failed with RecursionError; see the service's log"
    assert answer.content == {"error": expected}


def test_fails_as_vllm_answered_before_it_raised(ask, engine):
    engine.status, engine.answer, engine.raises = 503, {"error": "no engine"}, ValueError()
    assert generate(ask, CODELAB).status == 503
