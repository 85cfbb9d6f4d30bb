"""The routes of the service: `vllm serve --middleware serve.routes.Routes`.

POST /generate answers as the tutorial's server does, GET /lineage tells where the model came from.
A plain ASGI class, since a BaseHTTPMiddleware would hide from vLLM that a client has left.
"""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from serve.answer import Scope, Send, respond, respond_with_error
from serve.context_length import context_length
from serve.generate_request import engine_requests
from serve.openai_request import require_harmless
from serve.predictions import predictions
from serve.prompt_form import PromptForm
from serve.request_body import Receive, read_body, replayed
from serve.request_error import RequestError
from serve.request_headers import refuse_header_floods, require_plain_json

# Set by the start-up script, which has verified the file.
MANIFEST_VARIABLE = "TUNESERVE_MANIFEST"
METRICS_VARIABLE = "TUNESERVE_METRICS"

# Exact paths and their methods. vLLM leaves more open than a service needs: /scale_elastic_ep,
# /docs, /metrics, by environment /v1/load_lora_adapter; its --api-key guards /v1 alone.
ALLOWED = {
    "/generate": ("POST",),
    "/lineage": ("GET", "HEAD"),
    "/health": ("GET",),
    "/v1/models": ("GET",),
    "/v1/completions": ("POST",),
    "/v1/chat/completions": ("POST",),
}


class Routes:
    """ASGI middleware around vLLM's application."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self._lineage = Path(os.environ[MANIFEST_VARIABLE]).read_bytes()
        self._form = PromptForm(json.loads(self._lineage))
        metrics = {"/metrics": ("GET",)} if os.environ.get(METRICS_VARIABLE) == "1" else {}
        self._allowed = {**ALLOWED, **metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._app(scope, receive, send)
            case "websocket":
                await send({"type": "websocket.close", "code": 1008})
            case _:
                # As vLLM's own routing reads it; decoded once by the server, and nothing folded:
                # //generate and /v1/../metrics are other paths than the ones that are allowed.
                path = scope["path"].removeprefix(scope.get("root_path", ""))
                try:
                    refuse_header_floods(scope)
                    self._refuse_others(path, scope["method"])
                    await self._serve(path, scope, receive, send)
                except RequestError as error:
                    await respond_with_error(send, path, error)

    def _refuse_others(self, path: str, method: str) -> None:
        if path not in self._allowed:
            routes = ", ".join(f"{methods[0]} {p}" for p, methods in self._allowed.items())
            raise RequestError(404, f"{path[:60]!r} is not served here; allowed: {routes}")
        methods = self._allowed[path]
        if method not in methods:
            raise RequestError(
                405,
                f"{path} does not take {method[:20]}; allowed: {', '.join(methods)}",
                {"allow": ", ".join(methods)},
            )

    async def _serve(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if path == "/lineage":
            await respond(send, 200, self._lineage)
        elif scope["method"] == "POST":
            # Before all else: who is answered while sending may see a reset connection instead.
            body = await read_body(scope, receive)
            if body is None:
                return
            require_plain_json(scope)
            if path == "/generate":
                requests = engine_requests(body, self._form, context_length(scope))
                answers = await predictions(self._app, requests, scope, receive)
                if answers is not None:
                    await respond(send, 200, {"predictions": answers})
            else:
                require_harmless(body)
                await self._app(scope, replayed(body, receive), send)
        else:
            await self._app(scope, receive, send)
