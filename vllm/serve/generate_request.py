"""From the body of POST /generate to the body of vLLM's POST /v1/completions."""

import json
import re
from collections.abc import Callable
from typing import Any

from serve.prompt_template import PromptTemplate
from serve.request_error import RequestError

# A valid body holds two brackets, the object's and those of a list of stops; the parser recurses
# and dies at some thousand. Text in quotes doesn't count, also where the last quote is missing.
MOST_BRACKETS = 64
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

DEFAULTS: dict[str, Any] = {"max_tokens": 256, "temperature": 0}


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_stop(value: Any) -> bool:
    return is_text(value) or (isinstance(value, list) and value != [] and all(map(is_text, value)))


OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_tokens": (lambda value: is_whole(value) and value >= 1, "a whole number from 1"),
    "temperature": (lambda value: is_number(value) and 0 <= value <= 2, "a number from 0 to 2"),
    "top_p": (lambda value: is_number(value) and 0 < value <= 1, "a number above 0, up to 1"),
    "stop": (is_stop, "a text, or a list of texts, none of them empty"),
    "seed": (is_whole, "a whole number"),
}


def completion_request(body: bytes, template: PromptTemplate) -> dict[str, Any]:
    """The body of a completion request: the prompt, raw or rendered, and the sampling options.

    Raises RequestError: 400 where the body is no JSON, 422 where it isn't a request.
    """
    request = parse(body)
    if not isinstance(request, dict):
        raise RequestError(422, f"expected a JSON object, got {type(request).__name__}")
    if "stream" in request:
        raise RequestError(422, "stream is not supported by /generate; use /v1/completions")
    allowed = dict.fromkeys(["prompt", *template.placeholders, *OPTIONS])
    if unknown := [name for name in request if name not in allowed]:
        raise RequestError(422, f"unknown field {quote(unknown[0])}; allowed: {', '.join(allowed)}")
    for name, value in request.items():
        accepts, description = OPTIONS.get(name, (lambda given: isinstance(given, str), "a text"))
        if not accepts(value):
            raise RequestError(422, f"{name} must be {description}, got {quote(value)}")
    options = {name: request[name] for name in OPTIONS if name in request}
    return {"prompt": prompt(request, template), **DEFAULTS, **options}


def parse(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body must be JSON in UTF-8: {error}") from None
    structure = QUOTED.sub("", text)
    brackets = structure.count("[") + structure.count("{")
    if brackets > MOST_BRACKETS:
        raise RequestError(400, f"the body has {brackets} brackets, allowed are {MOST_BRACKETS}")
    try:
        value = json.loads(text, parse_constant=refuse_constant)
        # "\\ud800" alone is JSON, but no text: vLLM could neither tokenize nor quote it.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except ValueError as error:
        raise RequestError(400, f"the body must be JSON: {error}") from None


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def prompt(request: dict[str, Any], template: PromptTemplate) -> str:
    """The raw prompt, or the template filled with the request's fields."""
    # In a template with a placeholder of that name, "prompt" would mean two things: it is raw.
    fields = () if "prompt" in template.placeholders else template.placeholders
    given = {name: request[name] for name in fields if name in request}
    ways = " or ".join(filter(None, ['"prompt"', ", ".join(f'"{name}"' for name in fields)]))
    if "prompt" in request and given:
        raise RequestError(422, f"give either {ways}, not both")
    missing = [name for name in fields or ["prompt"] if name not in request]
    if "prompt" not in request and missing:
        raise RequestError(422, f"{' and '.join(missing)} missing; give {ways}")
    if not any(text.strip() for text in given.values() or [request["prompt"]]):
        raise RequestError(422, f"the prompt is empty; give {ways}")
    return template.render(given) if given else request["prompt"]


def quote(value: Any) -> str:
    """The value as JSON, short enough for a message."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
