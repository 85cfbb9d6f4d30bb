"""Which texts count as JSON, and what is said about the others."""

import json
import time

import pytest

from serve.json_body import parse_json
from serve.request_error import RequestError


def refusal(body: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        parse_json(body)
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, -3, None, True, "é😀"]}, [], "text", 2**62])
def test_json_is_read_as_it_was_written(value):
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_a_pair_of_surrogates_is_one_character():
    assert parse_json(b'"\\ud83d\\ude00"') == "😀"


def test_brackets_inside_texts_are_not_nesting():
    text = '\\"[{' * 30_000
    assert parse_json(json.dumps(text).encode()) == text


def test_lists_beside_one_another_are_not_nesting():
    assert len(parse_json(b"[" + b",".join([b"[]"] * 5000) + b"]")) == 5000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Expecting value"),
        (b'{"prompt": "x"', "Expecting ',' delimiter"),
        (b"prompt=x", "Expecting value"),
        (b'{"a": 1} {"b": 2}', "Extra data"),
        (b'{"prompt": "a\nb"}', "Invalid control character"),
        (b'{"prompt": "\xff"}', "in UTF-8, without byte order mark: got 'utf-8' codec can't"),
        (b"\xef\xbb\xbf{}", "without byte order mark: got a byte order mark"),
        ('{"prompt": "x"}'.encode("utf-16-le"), "got a zero byte"),
        (b'{"prompt": "x", "temperature": NaN}', "NaN is no JSON number"),
        (b"[-Infinity]", "-Infinity is no JSON number"),
        (b"[1e400]", "1e400 is beyond what a number can hold"),
        (b"[-9223372036854775809]", "more than 64 bits"),
        pytest.param(
            b"[" + b"1" * 5000 + b"]",
            "11111111111111111111... has more than 64 bits",
            id="a number of 5000 digits",
        ),
        (b'{"prompt": "x", "prompt": "y"}', 'the name "prompt" comes twice in one object'),
        (b'[{"a": {"b": 1, "b": 1}}]', 'the name "b" comes twice'),
        (b'{"prompt": "\\ud800"}', "surrogates not allowed"),
        (b'{"\\udfff": 1}', "surrogates not allowed"),
    ],
)
def test_fails_when_the_body_is_no_json(body, words):
    assert words in refusal(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 3000, id="lists"),
        pytest.param(b'{"prompt":' * 3000, id="objects"),
        pytest.param(b'[{"a": "b"},' * 65, id="lists of objects"),
    ],
)
def test_fails_when_the_body_is_nested_beyond_reason(body):
    assert "levels deep, allowed are 64; flatten it" in refusal(body)


def test_fails_when_quotes_are_wrong_and_brackets_hide_behind_them():
    # What the count takes for text, the parser takes for text as well, and stops at its end.
    assert "Expecting" in refusal(b'{"a": "x" "' + b"[" * 3000)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[]" * 2**19, id="empty lists"),
        pytest.param(b'{"prompt": "' + b'\\"' * 2**19, id="escaped quotes"),
        pytest.param(b'"' * 2**20, id="quotes"),
        pytest.param(b"[" * 2**20, id="open lists"),
    ],
)
def test_fails_soon_when_a_megabyte_is_made_to_take_long(body):
    began = time.process_time()
    refusal(body)
    assert time.process_time() - began < 0.5
