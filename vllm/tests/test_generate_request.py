"""How the body of POST /generate becomes requests to vLLM."""

import json
from pathlib import Path
from typing import Any

import pytest

from serve.generate_request import EngineRequest, engine_requests
from serve.prompt_form import PromptForm
from serve.request_error import RequestError
from tiny_version import PROMPT

COLUMNS = PromptForm({"prompt": PROMPT, "dataset": {"format": "columns"}})
CHATS = PromptForm({"prompt": PROMPT, "dataset": {"format": "messages"}})
OPTIONS = "max_tokens, temperature, top_p, stop, seed"
# The shape of the codelab's curl: question and context in one line, and nothing else.
CODELAB = "Question: Which names are there? Context: CREATE TABLE people (name VARCHAR)"
DEFAULTS = {"max_tokens": 256, "temperature": 0}


def convert(request: Any, form: PromptForm = COLUMNS, length: int | None = None) -> dict[str, Any]:
    (made,) = engine_requests(json.dumps(request).encode(), form, length)
    return made.body


def refusal(body: Any, form: PromptForm = COLUMNS, length: int | None = None) -> RequestError:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as caught:
        engine_requests(text, form, length)
    return caught.value


def test_a_raw_prompt_reaches_the_model_as_it_is():
    body = json.dumps({"prompt": CODELAB}).encode()
    expected = EngineRequest("/v1/completions", {"prompt": CODELAB, **DEFAULTS})
    assert engine_requests(body, COLUMNS) == [expected]


def test_fields_are_put_into_the_template_the_model_was_trained_with():
    request = convert({"question": "How many?", "context": "CREATE TABLE {t} (a INT)"})
    expected = "Question: How many?\nContext: CREATE TABLE {t} (a INT)\nAnswer:"
    assert request["prompt"] == expected


def test_the_fields_are_those_of_the_manifests_template():
    form = PromptForm({"prompt": "{{{schema}}} -> {ask}"})
    assert convert({"schema": "s", "ask": "a"}, form)["prompt"] == "{s} -> a"


def test_sampling_options_replace_the_defaults():
    options = {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "stop": ["\n", ";"], "seed": 7}
    assert convert({"prompt": "x", **options}) == {"prompt": "x", **options}


def test_the_default_is_what_a_short_context_leaves():
    assert convert({"prompt": "x"}, length=64)["max_tokens"] == 64
    assert convert({"prompt": "x"}, length=4096)["max_tokens"] == 256


def test_instances_are_requests_of_each_kind_with_options_of_their_own():
    made = engine_requests(
        json.dumps(
            {
                "instances": [
                    {"prompt": "x"},
                    {"question": "q", "context": "c", "max_tokens": 3},
                    {"prompt": "y", "temperature": 1},
                ]
            }
        ).encode(),
        COLUMNS,
    )
    assert [request.body for request in made] == [
        {"prompt": "x", **DEFAULTS},
        {"prompt": "Question: q\nContext: c\nAnswer:", "max_tokens": 3, "temperature": 0},
        {"prompt": "y", "max_tokens": 256, "temperature": 1},
    ]


def test_a_model_that_was_trained_on_chats_is_asked_in_its_chat_template():
    (made,) = engine_requests(b'{"prompt": "Hello {you}", "max_tokens": 9}', CHATS)
    messages = [{"role": "user", "content": "Hello {you}"}]
    body = {"messages": messages, "max_tokens": 9, "temperature": 0}
    assert made == EngineRequest("/v1/chat/completions", body)


@pytest.mark.parametrize(
    ("dataset_format", "path"),
    [("columns", "/v1/completions"), ("messages", "/v1/chat/completions")],
)
def test_the_trainers_manifest_says_which_of_both_a_model_is(
    tmp_path, monkeypatch, dataset_format, path
):
    """The contract between both containers, with the trainer's own code on the other side."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "trainer")
    from finetune.publishing.manifest import Lineage, write_manifest
    from finetune.settings import Settings

    settings = Settings(
        run_id="0123456789ab",
        recipe_version=1,
        trainer_source_hash="0" * 12,
        output_uri=str(tmp_path / "out"),
        checkpoint_uri=str(tmp_path / "checkpoint"),
        dataset_format=dataset_format,
    )
    manifest = write_manifest(tmp_path, settings, Lineage("commit", "commit", None), {})
    assert PromptForm(manifest).path == path


def test_fails_when_a_chat_model_is_asked_by_fields():
    error = refusal({"question": "q", "context": "c"}, CHATS)
    assert error.status == 422
    assert 'put what the user says into "prompt", or the whole conversation to POST /v1/' in str(
        error
    )


def test_fails_when_the_body_is_no_json():
    assert refusal(b"prompt=x").status == 400


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        (["x"], 'expected a JSON object, got ["x"]; send {"prompt": "..."}'),
        ({"prompt": "x", "stream": True}, "leave it out, or ask POST /v1/completions with"),
        ({"prompt": "x", "stream": False}, "stream is not supported by /generate"),
        (
            {"prompt": "x", "max_token": 3},
            f'unknown field "max_token"; allowed: prompt, question, context, {OPTIONS}',
        ),
        ({"prompt": 3}, "prompt must be a text, got 3"),
        ({"question": None, "context": "c"}, "question must be a text, got null"),
        ({"prompt": ""}, 'the prompt is empty; give "prompt" or "question", "context"'),
        ({"prompt": " \n"}, 'the prompt is empty; give "prompt" or "question", "context"'),
        ({"question": "", "context": " "}, "the prompt is empty"),
        ({}, 'question and context missing; give "prompt" or "question", "context"'),
        ({"question": "q"}, "context missing; give"),
        ({"prompt": "x", "question": "q"}, 'give either "prompt" or "question", "context", not'),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens must be a whole number from 1, got 0"),
        ({"prompt": "x", "max_tokens": True}, "max_tokens must be a whole number from 1, got tru"),
        ({"prompt": "x", "max_tokens": 2.5}, "max_tokens must be a whole number from 1, got 2.5"),
        ({"prompt": "x", "max_tokens": None}, "max_tokens must be a whole number from 1, got nul"),
        ({"prompt": "x", "temperature": -1}, "temperature must be a number from 0 to 2, got -1"),
        ({"prompt": "x", "temperature": "0"}, 'temperature must be a number from 0 to 2, got "0"'),
        ({"prompt": "x", "top_p": 0}, "top_p must be a number above 0, up to 1, got 0"),
        ({"prompt": "x", "stop": [""]}, "stop must be a text, or a list of 1 to 16 texts, each of"),
        ({"prompt": "x", "stop": []}, "stop must be a text, or a list of 1 to 16 texts"),
        ({"prompt": "x", "stop": ["a"] * 17}, "stop must be a text, or a list of 1 to 16 texts"),
        ({"prompt": "x", "stop": "a" * 257}, "each of 1 to 256 characters, got"),
        ({"prompt": "x", "seed": 1.0}, "seed must be a whole number, got 1.0"),
        ({"instances": {}}, "instances must be a list of 1 to 64 requests, got {}; send several"),
        ({"instances": []}, "instances must be a list of 1 to 64 requests, got 0 of them"),
        ({"instances": [{"prompt": "x"}] * 65}, "1 to 64 requests, got 65 of them; send several"),
        ({"instances": [{"prompt": "x"}], "seed": 1}, 'got "seed" beside instances; put it into'),
        ({"instances": [{"prompt": "x"}, "y"]}, 'instances[1]: expected a JSON object, got "y"'),
        ({"instances": [{"instances": []}]}, 'instances[0]: unknown field "instances"'),
        ({"instances": [{"prompt": "x", "stream": 1}]}, "instances[0]: stream is not supported"),
    ],
)  # fmt: skip
def test_fails_when_the_request_is_not_one_it_knows(request_body, message):
    error = refusal(request_body)
    assert error.status == 422
    assert message in str(error)


def test_fails_when_more_tokens_are_asked_for_than_the_context_holds():
    error = refusal({"prompt": "x", "max_tokens": 300}, length=256)
    assert error.status == 422
    assert "max_tokens must be a whole number from 1 to 256, which prompt and answer" in str(error)


def test_fails_shortly_when_the_value_is_long():
    assert len(str(refusal({"x" * 10_000: 1}))) < 200
    assert len(str(refusal({"prompt": ["x" * 10_000]}))) < 200


def test_a_template_that_names_a_placeholder_prompt_takes_raw_prompts_alone():
    form = PromptForm({"prompt": "{context} {prompt}"})
    assert convert({"prompt": "x"}, form)["prompt"] == "x"
    assert str(refusal({"context": "c"}, form)).startswith('unknown field "context"')
    assert str(refusal({}, form)) == 'prompt missing; give "prompt"'
