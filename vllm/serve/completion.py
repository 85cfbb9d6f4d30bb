"""Asks vLLM's own /v1/completions, inside the process, and takes the text out of its answer."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.request_error import RequestError

PATH = "/v1/completions"
# They describe the body that was replaced.
BODY_HEADERS = (b"content-length", b"content-type", b"content-encoding", b"transfer-encoding")


async def complete(
    app: Callable[..., Awaitable[None]],
    request: MutableMapping[str, Any],
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
) -> dict[str, list[str]] | None:
    """{"predictions": [text]}, or None when the client left.

    Raises RequestError with vLLM's status and message where it refuses.
    """
    body = json.dumps(request).encode()
    unread = [{"type": "http.request", "body": body, "more_body": False}]
    left = False

    # vLLM waits here for a disconnect while it generates, and aborts the request when one comes.
    async def receive_rewritten() -> MutableMapping[str, Any]:
        nonlocal left
        if unread:
            return unread.pop()
        message = await receive()
        left = left or message["type"] == "http.disconnect"
        return message

    status = 500
    pieces: list[bytes] = []

    async def collect(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    await app(rewritten(scope, len(body)), receive_rewritten, collect)
    if left:  # vLLM answers 200 and `null` to nobody
        return None
    answer = b"".join(pieces)
    if status != 200:
        raise RequestError(status, error_message(answer))
    try:
        return {"predictions": [choice["text"] for choice in json.loads(answer)["choices"]]}
    except (ValueError, KeyError, TypeError):
        raise RequestError(502, f"vLLM gave no completion: {answer[:200]!r}") from None


def rewritten(scope: MutableMapping[str, Any], length: int) -> dict[str, Any]:
    """The scope of the inner request; authorization and request id stay."""
    kept = [(name, value) for name, value in scope["headers"] if name not in BODY_HEADERS]
    described = [
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    return {
        **scope,
        "path": PATH,
        "raw_path": PATH.encode(),
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
