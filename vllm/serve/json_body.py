"""Reads JSON that strangers send: looked at before it is parsed, and parsed strictly."""

import json
import math
import re
from typing import Any

from serve.request_error import RequestError

# Python's parser recurses, and dies at some hundred levels. Tools with nested schemas need 30.
MOST_LEVELS = 64
MOST_BRACKETS = 20_000
LARGEST_INTEGER = 2**63 - 1

# Text in quotes holds no structure, also where the last quote is missing. Possessive: a search that
# began again at each quote would take hours.
QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
OPENING = b"[{"
ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises RequestError (400) also for what Python's parser lets pass and another reader doesn't:
    a byte order mark, NaN, names that come twice, numbers beyond 64 bits, half of a surrogate pair.
    """
    refuse_other_encodings(body)
    refuse_deep_nesting(body)
    try:
        value = json.loads(
            body,
            object_pairs_hook=without_repetition,
            parse_constant=refuse_constant,
            parse_float=finite,
            parse_int=of_64_bits,
        )
        # "\ud800" alone is JSON, but no text: vLLM could neither tokenize nor quote it.
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except ValueError as error:
        raise RequestError(400, f"the body must be JSON: {error}; correct it") from None


def refuse_other_encodings(body: bytes) -> None:
    try:
        # Zero bytes: ASCII in UTF-16 is also UTF-8, and the parser would detect and take it.
        fault = "a zero byte" if b"\0" in body else None
        fault = "a byte order mark" if body.decode("utf-8").startswith("\ufeff") else fault
    except UnicodeDecodeError as error:
        fault = str(error)
    if fault:
        raise RequestError(
            400, f"the body must be JSON in UTF-8, without byte order mark: got {fault}"
        )


def refuse_deep_nesting(body: bytes) -> None:
    structure = QUOTED.sub(b"", body).translate(None, ALL_BUT_BRACKETS)
    if len(structure) > MOST_BRACKETS:
        raise RequestError(
            400,
            f"the body has {len(structure)} brackets, allowed are {MOST_BRACKETS}; send less",
        )
    level = deepest = 0
    for bracket in structure:
        level += 1 if bracket in OPENING else -1
        deepest = max(deepest, level)
    if deepest > MOST_LEVELS:
        raise RequestError(
            400, f"the body is nested {deepest} levels deep, allowed are {MOST_LEVELS}; flatten it"
        )


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise ValueError(f"the name {json.dumps(twice)[:60]} comes twice in one object")
    return made


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is beyond what a number can hold")
    return number


def of_64_bits(digits: str) -> int:
    # Compared by length first: Python refuses to convert some thousand digits.
    if len(digits) > 20 or not -LARGEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
        raise ValueError(f"{digits[:20]}... has more than 64 bits")
    return int(digits)
