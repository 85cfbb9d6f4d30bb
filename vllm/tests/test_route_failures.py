"""What a client is told when a request is not served."""

import pytest

from made_up_engine import CODELAB, generate


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
