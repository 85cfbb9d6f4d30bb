"""The routes beside vLLM's own: `vllm serve --middleware serve.routes.Routes`.

POST /generate answers as the tutorial's server does, GET /lineage tells where the model came from.
A plain ASGI class, since a BaseHTTPMiddleware would hide from vLLM that a client has left.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from serve.completion import complete
from serve.generate_request import completion_request
from serve.prompt_template import PromptTemplate
from serve.request_body import read_body
from serve.request_error import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Set by the start-up script, which has verified the file.
MANIFEST_VARIABLE = "TUNESERVE_MANIFEST"

# vLLM leaves more open than a service needs, such as /scale_elastic_ep, /docs and /metrics, and
# asks for its --api-key below /v1 alone.
VLLM_ROUTES = re.compile(r"/v1/.*|/health|/version")
ROUTES = "POST /generate, GET /lineage, GET /health, GET /version and /v1/..."


class Routes:
    """ASGI middleware around vLLM's application."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lineage = Path(os.environ[MANIFEST_VARIABLE]).read_bytes()
        self._template = PromptTemplate(json.loads(self._lineage)["prompt"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or VLLM_ROUTES.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            match scope["path"]:
                case "/generate":
                    allow(scope, "POST")
                    body = await read_body(scope, receive)
                    if body is not None:
                        request = completion_request(body, self._template)
                        answer = await complete(self._app, request, scope, receive)
                        if answer is not None:
                            await respond(send, 200, answer)
                case "/lineage":
                    allow(scope, "GET", "HEAD")
                    await respond(send, 200, self._lineage)
                case path:
                    raise RequestError(404, f"{path[:60]} is not served here; allowed: {ROUTES}")
        except RequestError as error:
            await respond(send, error.status, {"error": str(error)}, error.headers)


def allow(scope: Scope, *methods: str) -> None:
    if scope["method"] not in methods:
        raise RequestError(
            405,
            f"{scope['path']} does not take {scope['method']}; allowed: {', '.join(methods)}",
            {"allow": ", ".join(methods)},
        )


async def respond(
    send: Send, status: int, content: Any, headers: MutableMapping[str, str] | None = None
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
