"""Reads the body of a request, which comes in pieces, up to a size and within a time."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.request_error import RequestError

MOST_BYTES = 2**20
# A client that is still sending would see its connection reset, and not what is said; so the rest
# is read and thrown away, up to a size.
MOST_DISCARDED = 2**24
MOST_SECONDS = 30.0

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def read_body(scope: MutableMapping[str, Any], receive: Receive) -> bytes | None:
    """The whole body, or None when the client left before its end.

    Raises RequestError: 413 above 1 MiB; 408 for a body that is still incomplete after half a
    minute, however busily it trickles.
    """
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise RequestError(
            400, "content-length must be a whole number of bytes; correct it", closes=True
        )
    # Who expects 100-continue, as curl does above 1 MiB, has sent nothing yet.
    most = MOST_BYTES if b"expect" in headers else MOST_DISCARDED
    refuse_above(most, int(announced[:20]))
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
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        size += len(piece)
        refuse_above(MOST_DISCARDED, size)
        if size <= MOST_BYTES:
            body += piece
        more = message.get("more_body", False)
    refuse_above(MOST_BYTES, size)
    return bytes(body)


def refuse_above(most: int, size: int) -> None:
    if size > most:
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
