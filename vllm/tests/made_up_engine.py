"""A stand-in for vLLM's application, and what a client gets from it."""

import json
from dataclasses import dataclass, field
from typing import Any

# The shape of the codelab's curl: one raw prompt.
CODELAB = {"prompt": "Question: Which names are there? Context: CREATE TABLE people (name VARCHAR)"}


@dataclass
class Engine:
    """Stands for vLLM: remembers each request, and answers as it is told."""

    status: int = 200
    answer: Any = field(default_factory=lambda: {"choices": [{"text": " SELECT name"}]})
    slow: bool = False
    aborted: bool = False
    scopes: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        self.bodies.append((await receive()).get("body", b""))
        answer = self.answer
        # As vLLM's with_cancellation: whoever leaves while it generates gets `null`.
        if self.slow and (await receive())["type"] == "http.disconnect":
            self.aborted, answer = True, None
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: Any


def generate(ask: Any, request: Any, **options: Any) -> Answer:
    """POST /generate with `request` as JSON, through the fixture `ask`."""
    return ask("POST", "/generate", json.dumps(request).encode(), **options)
