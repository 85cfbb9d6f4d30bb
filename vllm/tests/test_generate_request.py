"""How the body of POST /generate becomes the body of a completion request."""

import json
from typing import Any

import pytest

from serve.generate_request import completion_request
from serve.prompt_template import PromptTemplate
from serve.request_error import RequestError
from tiny_version import PROMPT

TEMPLATE = PromptTemplate(PROMPT)
OPTIONS = "max_tokens, temperature, top_p, stop, seed"
# The shape of the codelab's curl: question and context in one line, and nothing else.
CODELAB = "Question: Which names are there? Context: CREATE TABLE people (name VARCHAR)"


def convert(request: Any) -> dict[str, Any]:
    return completion_request(json.dumps(request).encode(), TEMPLATE)


def refusal(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        completion_request(body, TEMPLATE)
    return caught.value


def test_a_raw_prompt_reaches_the_model_as_it_is():
    assert convert({"prompt": CODELAB}) == {"prompt": CODELAB, "max_tokens": 256, "temperature": 0}


def test_fields_are_put_into_the_template_the_model_was_trained_with():
    request = convert({"question": "How many?", "context": "CREATE TABLE {t} (a INT)"})
    expected = "Question: How many?\nContext: CREATE TABLE {t} (a INT)\nAnswer:"
    assert request["prompt"] == expected


def test_the_fields_are_those_of_the_manifests_template():
    template = PromptTemplate("{{{schema}}} -> {ask}")
    assert completion_request(b'{"schema": "s", "ask": "a"}', template)["prompt"] == "{s} -> a"


def test_sampling_options_replace_the_defaults():
    options = {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "stop": ["\n", ";"], "seed": 7}
    assert convert({"prompt": "x", **options}) == {"prompt": "x", **options}


def test_brackets_inside_texts_are_not_nesting():
    text = '\\"[' * 3000
    assert convert({"prompt": text})["prompt"] == text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Expecting value"),
        (b'{"prompt": "x"', "Expecting ',' delimiter"),
        (b"prompt=x", "Expecting value"),
        (b'{"prompt": "\xff"}', "UTF-8"),
        (b'{"prompt": "x", "temperature": NaN}', "NaN is no JSON number"),
        (b'{"prompt": "x", "seed": ' + b"1" * 5000 + b"}", "4300"),
        (b'{"prompt": "\\ud800"}', "surrogates not allowed"),
    ],
)
def test_fails_when_the_body_is_no_json(body, words):
    error = refusal(body)
    assert error.status == 400
    assert words in str(error)


@pytest.mark.parametrize("body", [b"[" * 3000, b'{"prompt":' * 3000, b'{"a": "' + b'"[' * 200])
def test_fails_when_the_body_is_nested_beyond_reason(body):
    error = refusal(body)
    assert error.status == 400
    assert "brackets, allowed are 64" in str(error) or "must be JSON" in str(error)


def test_a_million_quotes_and_backslashes_are_looked_at_once():
    # A search that began again at each quote would take hours here.
    assert refusal(b'{"prompt": "' + b'\\"' * 500_000).status == 400


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        (["x"], "expected a JSON object, got list"),
        ({"prompt": "x", "stream": True}, "stream is not supported by /generate; use /v1/comp"),
        (
            {"prompt": "x", "max_token": 3},
            f'unknown field "max_token"; allowed: prompt, question, context, {OPTIONS}',
        ),
        ({"prompt": 3}, "prompt must be a text, got 3"),
        ({"question": None, "context": "c"}, "question must be a text, got null"),
        ({"prompt": " \n"}, 'the prompt is empty; give "prompt" or "question", "context"'),
        ({"question": "", "context": " "}, "the prompt is empty"),
        ({}, 'question and context missing; give "prompt" or "question", "context"'),
        ({"question": "q"}, "context missing; give"),
        ({"prompt": "x", "question": "q"}, 'give either "prompt" or "question", "context", not'),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens must be a whole number from 1, got 0"),
        ({"prompt": "x", "max_tokens": True}, "max_tokens must be a whole number from 1, got tru"),
        ({"prompt": "x", "max_tokens": 2.5}, "max_tokens must be a whole number from 1, got 2.5"),
        ({"prompt": "x", "temperature": -1}, "temperature must be a number from 0 to 2, got -1"),
        ({"prompt": "x", "temperature": "0"}, 'temperature must be a number from 0 to 2, got "0"'),
        ({"prompt": "x", "top_p": 0}, "top_p must be a number above 0, up to 1, got 0"),
        ({"prompt": "x", "stop": [""]}, 'stop must be a text, or a list of texts, none of them e'),
        ({"prompt": "x", "stop": []}, "stop must be a text, or a list of texts"),
        ({"prompt": "x", "seed": 1.0}, "seed must be a whole number, got 1.0"),
    ],
)  # fmt: skip
def test_fails_when_the_request_is_not_one_it_knows(request_body, message):
    error = refusal(json.dumps(request_body).encode())
    assert error.status == 422
    assert message in str(error)


def test_fails_when_a_number_is_beyond_what_a_float_holds():
    assert refusal(b'{"prompt": "x", "temperature": 1e400}').status == 422


def test_fails_shortly_when_the_value_is_long():
    assert len(str(refusal(json.dumps({"x" * 10_000: 1}).encode()))) < 200


def test_a_template_that_names_a_placeholder_prompt_takes_raw_prompts_alone():
    template = PromptTemplate("{context} {prompt}")
    assert completion_request(b'{"prompt": "x"}', template)["prompt"] == "x"
    with pytest.raises(RequestError, match=r'prompt missing; give "prompt"$'):
        completion_request(b'{"context": "c"}', template)
