"""Answers in JSON, as ASGI messages."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from serve.request_error import RequestError

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def respond(
    send: Send, status: int, content: Any, headers: Mapping[str, str] | None = None
) -> None:
    """Sends JSON: bytes as they are, anything else encoded."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def respond_with_error(send: Send, path: str, error: RequestError) -> None:
    """{"error": message}; below /v1 in the form of OpenAI's errors, which vLLM's have too."""
    content: Any = str(error)
    if path.startswith("/v1/"):
        kind = HTTPStatus(error.status).phrase
        content = {"message": content, "type": kind, "param": None, "code": error.status}
    await respond(send, error.status, {"error": content}, error.headers)
