"""What is refused of requests to vLLM's own API below /v1, before vLLM sees them."""

import json
from typing import Any

from serve.json_body import parse_json
from serve.request_error import RequestError

# vLLM's own limits are 1024 prompts of 16384 answers each, all of them queued for one request.
MOST_ANSWERS = 64
# They are compiled to automata, in the engine's process. vLLM sets no limit: one request of 600 kB
# took it a minute and 3 GB.
GRAMMARS = ("structured_outputs", "response_format", "tools")
MOST_GRAMMAR_BYTES = 2**13


def require_harmless(body: bytes) -> None:
    """Raises RequestError: 400 for what is no JSON object, 422 for what one caller may not ask.

    All else is vLLM's to judge.
    """
    request = parse_json(body)
    if not isinstance(request, dict):
        raise RequestError(400, f"expected a JSON object, got {type(request).__name__}; send one")
    refuse_unstructured(request.get("structured_outputs"))
    refuse_large_grammars(request)
    refuse_many_answers(request)
    refuse_addresses(request.get("messages"))


def refuse_unstructured(outputs: Any) -> None:
    # vLLM 0.32 looks into it before it checks what it is, and answers 500.
    if not isinstance(outputs, dict | None):
        raise RequestError(
            422,
            f"structured_outputs must be an object, got {type(outputs).__name__}; "
            'send such as {"choice": ["yes", "no"]}',
        )


def refuse_large_grammars(request: dict[str, Any]) -> None:
    size = sum(len(json.dumps(request[name])) for name in GRAMMARS if name in request)
    if size > MOST_GRAMMAR_BYTES:
        raise RequestError(
            422,
            f"{', '.join(GRAMMARS)} have {size} bytes together, allowed are {MOST_GRAMMAR_BYTES}; "
            "describe less",
        )


def refuse_many_answers(request: dict[str, Any]) -> None:
    prompts = request.get("prompt")
    # A list of whole numbers is one prompt, in tokens.
    several = isinstance(prompts, list) and not all(isinstance(token, int) for token in prompts)
    each = request.get("n")
    answers = (len(prompts) if several else 1) * (each if isinstance(each, int) else 1)
    if answers > MOST_ANSWERS:
        raise RequestError(
            422,
            f"got a request for {answers} answers (prompts times n), allowed are {MOST_ANSWERS}; "
            "send several requests",
        )


def refuse_addresses(messages: Any) -> None:
    """A model that sees pictures would have the server fetch them, with the service's identity."""
    for message in messages if isinstance(messages, list) else []:
        parts = message.get("content") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else []:
            for address in addresses(part):
                if not address.startswith("data:"):
                    raise RequestError(
                        422,
                        f"the server fetches nothing, got the address {address[:60]!r}; "
                        "send the content itself, as data:...;base64,...",
                    )


def addresses(part: Any) -> list[str]:
    """The addresses in one part of a message: {"type": "image_url", "image_url": {"url": ...}}."""
    if not isinstance(part, dict):
        return []
    found = []
    for name, value in part.items():
        if name == "url" or name.endswith("_url"):
            address = value.get("url") if isinstance(value, dict) else value
            found += [address.strip()] if isinstance(address, str) else []
    return found
