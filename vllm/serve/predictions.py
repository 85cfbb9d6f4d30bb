"""Asks vLLM all requests of one client, and none of them any longer than the client waits."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from serve.completion import complete
from serve.generate_request import EngineRequest
from serve.request_body import Receive
from serve.request_error import RequestError


async def predictions(
    app: Callable[..., Awaitable[None]],
    requests: Sequence[EngineRequest],
    scope: MutableMapping[str, Any],
    receive: Receive,
) -> list[str] | None:
    """The answers in the order of the requests, or None when the client left.

    All go to the engine at once, which queues what it cannot take. Raises RequestError for the
    first that vLLM refuses.
    """
    left = asyncio.Event()
    over = asyncio.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()
        over.set()

    # Not by cancelling: vLLM's handler runs in a task of its own, which nobody would cancel then.
    async def disconnected() -> MutableMapping[str, Any]:
        await over.wait()
        return {"type": "http.disconnect"}

    async def ask(number: int, request: EngineRequest) -> str:
        try:
            return await complete(app, request, scope, disconnected)
        except RequestError as error:
            which = f"instances[{number}]: " if len(requests) > 1 else ""
            raise RequestError(error.status, f"{which}{error}") from error

    watching = asyncio.create_task(watch())
    asked = [asyncio.create_task(ask(*item)) for item in enumerate(requests)]
    refused: list[BaseException] = []
    try:
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
        refused = [error for task in asked if task in done and (error := task.exception())]
    finally:
        # Where one is refused there won't be an answer, and the others need not go on.
        over.set()
        await asyncio.gather(*asked, return_exceptions=True)
        watching.cancel()
    if left.is_set():
        return None
    if refused:
        raise refused[0]
    return [task.result() for task in asked]
