"""Reads the body of a request, which comes in pieces, up to a size and within a time."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.request_error import RequestError

MOST_BYTES = 2**20
MOST_SECONDS = 30.0

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def read_body(scope: MutableMapping[str, Any], receive: Receive) -> bytes | None:
    """The whole body, or None when the client left before its end.

    Raises RequestError: 413 above 1 MiB, at once where the length is announced; 408 for a body
    that is still incomplete after half a minute, however busily it trickles.
    """
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit():
        raise RequestError(
            400, "content-length must be a whole number of bytes; correct it", closes=True
        )
    refuse_above_limit(int(announced[:20]))
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await all_pieces(receive)
    except TimeoutError:
        raise RequestError(
            408,
            f"the body was incomplete after {MOST_SECONDS:g} seconds, which is what is allowed; "
            "send it faster",
            closes=True,
        ) from None


async def all_pieces(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        refuse_above_limit(len(body))
        if not message.get("more_body", False):
            return bytes(body)


def refuse_above_limit(size: int) -> None:
    if size > MOST_BYTES:
        raise RequestError(
            413,
            f"the body has {size} bytes or more, allowed are {MOST_BYTES}; send less at once",
            closes=True,
        )


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, and then what the client does, such as leaving."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> MutableMapping[str, Any]:
        return unread.pop() if unread else await receive()

    return receive_again
