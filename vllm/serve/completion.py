"""Asks vLLM's own API, inside the process, and takes the text out of its answer."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.generate_request import EngineRequest
from serve.request_body import Receive, replayed
from serve.request_error import RequestError

# They describe the body that was replaced.
BODY_HEADERS = (b"content-length", b"content-type", b"content-encoding", b"transfer-encoding")


async def complete(
    app: Callable[..., Awaitable[None]],
    request: EngineRequest,
    scope: MutableMapping[str, Any],
    left: Receive,
) -> str:
    """The text of the answer. vLLM waits for `left` while it generates, and aborts when it gives a
    disconnect; what it answers then is worth nothing.

    Raises RequestError with vLLM's status and message where it refuses.
    """
    body = json.dumps(request.body).encode()
    status = 0
    pieces: list[bytes] = []

    async def collect(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    try:
        await app(rewritten(scope, request.path, len(body)), replayed(body, left), collect)
    except Exception as error:
        # Starlette answers 500 and raises again, for the server's log; the client gets the answer.
        if not status:
            raise RequestError(
                500, f"vLLM failed with {type(error).__name__}; see the service's log"
            ) from error
    answer = b"".join(pieces)
    if status != 200:
        raise RequestError(status, error_message(answer))
    try:
        (choice,) = json.loads(answer)["choices"]
        return choice["text"] if "text" in choice else choice["message"]["content"] or ""
    except (ValueError, KeyError, TypeError):
        raise RequestError(
            502, f"vLLM gave no completion: {answer[:200]!r}; see the service's log"
        ) from None


def rewritten(scope: MutableMapping[str, Any], path: str, length: int) -> dict[str, Any]:
    """The scope of the inner request; authorization and request id stay."""
    kept = [(name, value) for name, value in scope["headers"] if name not in BODY_HEADERS]
    described = [
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    full_path = scope.get("root_path", "") + path
    return {
        **scope,
        "path": full_path,
        "raw_path": full_path.encode(),
        "query_string": b"",
        "headers": [*kept, *described],
    }


def error_message(answer: bytes) -> str:
    """vLLM's own words: {"error": {"message": ...}}, or whatever else it sent."""
    try:
        error = json.loads(answer)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")[:500] or "vLLM gave no answer"
