"""What is refused of requests to vLLM's own API, which it would take or fail at."""

import json

import pytest


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ["x"] * 65},
        {"prompt": [[1]] * 65},
        {"prompt": "x", "n": 65},
        {"prompt": ["x", "y"], "n": 33},
        {"messages": [{"role": "user", "content": "x"}], "n": 10_000},
    ],
)
def test_fails_when_one_request_asks_for_very_many_answers(ask, engine, body):
    answer = ask("POST", "/v1/completions", json.dumps(body).encode())
    assert answer.status == 422
    assert "answers (prompts times n), allowed are 64; send several" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("given", [[], "x", 3, False])
def test_fails_when_an_object_is_another_value_that_vllm_would_fail_at(ask, engine, given):
    body = json.dumps({"prompt": "x", "structured_outputs": given}).encode()
    answer = ask("POST", "/v1/completions", body)
    assert answer.status == 422
    assert "structured_outputs must be an object, got" in answer.message


@pytest.mark.parametrize(
    "body",
    [
        {"structured_outputs": {"choice": ["x"] * 5000}},
        {"structured_outputs": {"grammar": "root ::= " + '"a" | ' * 2000}},
        {"response_format": {"type": "json_schema", "json_schema": {"pattern": "(a|b)*" * 2000}}},
        {"tools": [{"type": "function", "function": {"name": "f" * 60}}] * 100},
    ],
)
def test_fails_when_a_grammar_is_too_large_to_be_compiled(ask, engine, body):
    answer = ask("POST", "/v1/chat/completions", json.dumps(body).encode())
    assert answer.status == 422
    assert "structured_outputs, response_format, tools have" in answer.message
    assert "allowed are 8192; describe less" in answer.message
    assert engine.scopes == []


@pytest.mark.parametrize("body", [{"prompt": [1] * 2000}, {"prompt": ["x"] * 64}, {"n": None}])
def test_one_prompt_of_many_tokens_is_one_prompt(ask, body):
    assert ask("POST", "/v1/completions", json.dumps(body).encode()).status == 200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/computeMetadata/v1/"}},
        {"type": "image_url", "image_url": " file:///etc/passwd"},
        {"type": "audio_url", "audio_url": {"url": "https://example.com/a.wav"}},
    ],
)
def test_fails_when_the_server_would_have_to_fetch_something(ask, engine, part):
    messages = [{"role": "user", "content": [{"type": "text", "text": "what?"}, part]}]
    answer = ask("POST", "/v1/chat/completions", json.dumps({"messages": messages}).encode())
    assert answer.status == 422
    assert "the server fetches nothing, got the address" in answer.message
    assert engine.scopes == []


def test_a_picture_inside_the_request_is_let_through(ask):
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [part]}]
    answer = ask("POST", "/v1/chat/completions", json.dumps({"messages": messages}).encode())
    assert answer.status == 200
