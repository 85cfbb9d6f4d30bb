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
    #: Generates until its client leaves.
    slow: bool = False
    #: Refuses a prompt that holds this text at once, however slow it is.
    refuses: str | None = None
    #: Raised instead of an answer of 200, and behind any other, as Starlette does.
    raises: Exception | None = None
    aborted: int = 0
    scopes: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        message = await receive()
        self.bodies.append(message.get("body", b""))
        status, answer = self.status, self.answer
        if self.refuses and self.refuses.encode() in self.bodies[-1]:
            status, answer = 400, {"error": {"message": "prompt too long"}}
        # As vLLM's with_cancellation: whoever leaves while it generates gets `null`.
        elif self.slow and (await receive())["type"] == "http.disconnect":
            self.aborted, answer = self.aborted + 1, None
        if self.raises and status == 200:
            raise self.raises
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})
        if self.raises:
            raise self.raises


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: Any

    @property
    def message(self) -> str:
        """What an error says: in OpenAI's form below /v1, a text elsewhere."""
        error = self.content["error"]
        return error if isinstance(error, str) else error["message"]


def generate(ask: Any, request: Any, **options: Any) -> Answer:
    """POST /generate with `request` as JSON, through the fixture `ask`."""
    return ask("POST", "/generate", json.dumps(request).encode(), **options)
