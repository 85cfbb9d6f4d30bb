"""Reads the body of a request, which comes in pieces, up to a limit."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.request_error import RequestError

MOST_BYTES = 2**20


async def read_body(
    scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
) -> bytes | None:
    """The whole body, or None when the client left before its end.

    Raises RequestError (413) above 1 MiB, at once where the length is announced.
    """
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    # The server has checked that the header is a number.
    refuse_above_limit(int(announced))
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        refuse_above_limit(size)
        if not message.get("more_body", False):
            return b"".join(pieces)


def refuse_above_limit(size: int) -> None:
    if size > MOST_BYTES:
        raise RequestError(413, f"the body has {size} bytes or more, allowed are {MOST_BYTES}")
