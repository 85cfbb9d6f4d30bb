"""The options of POST /generate that say how an answer is made."""

import json
from collections.abc import Callable
from typing import Any

from serve.request_error import RequestError

DEFAULT_TOKENS = 256
MOST_STOPS = 16
LONGEST_STOP = 256


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_stop_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_STOP


def is_stop(value: Any) -> bool:
    return is_stop_text(value) or (
        isinstance(value, list) and 1 <= len(value) <= MOST_STOPS and all(map(is_stop_text, value))
    )


OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_tokens": (lambda value: is_whole(value) and value >= 1, "a whole number from 1"),
    "temperature": (lambda value: is_number(value) and 0 <= value <= 2, "a number from 0 to 2"),
    "top_p": (lambda value: is_number(value) and 0 < value <= 1, "a number above 0, up to 1"),
    "stop": (
        is_stop,
        f"a text, or a list of 1 to {MOST_STOPS} texts, each of 1 to {LONGEST_STOP} characters",
    ),
    "seed": (is_whole, "a whole number"),
}


def with_defaults(request: dict[str, Any], context_length: int | None) -> dict[str, Any]:
    """The request's options over the defaults: greedy, 256 tokens or as many as the model takes.

    Raises RequestError (422) for a value that is not allowed.
    """
    options = {name: request[name] for name in OPTIONS if name in request}
    for name, value in options.items():
        accepts, description = OPTIONS[name]
        if not accepts(value):
            raise RequestError(422, f"{name} must be {description}, got {shown(value)}")
    most = context_length or max(DEFAULT_TOKENS, options.get("max_tokens", 0))
    if options.get("max_tokens", 1) > most:
        raise RequestError(
            422,
            f"max_tokens must be a whole number from 1 to {most}, which prompt and answer share in "
            f"this service, got {shown(options['max_tokens'])}",
        )
    return {"max_tokens": min(DEFAULT_TOKENS, most), "temperature": 0, **options}


def shown(value: Any) -> str:
    """The value as JSON, short enough for a message."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
