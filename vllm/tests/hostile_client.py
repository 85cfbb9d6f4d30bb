"""Sends hostile requests over plain sockets, many at once, and notes what came back."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hostile_request import Hostile

AT_ONCE = 24
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Longer than the server waits for a body.
PATIENCE = 60


@dataclass
class Outcome:
    """How often each kind of request got which status, and what should not have happened."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def note(self, hostile: Hostile, answer: bytes | None) -> None:
        if answer is None:
            self.statuses[hostile.kind, "left"] += 1
            return
        head, _, body = answer.removeprefix(CONTINUE).partition(b"\r\n\r\n")
        status = head[9:12].decode("latin-1") if head.startswith(b"HTTP/1.1 ") else "closed"
        self.statuses[hostile.kind, status] += 1
        failed = status.startswith("5") and FRUITLESS not in b"".join(hostile.pieces)
        faulty = failed or (status == "closed" and hostile.kind not in MAY_CLOSE)
        if faulty or not (status == "200" or hostile.kind == "no HTTP" or in_json(head, body)):
            self.faults.append(f"{hostile.kind}: {answer[:300]!r} to {hostile.pieces!r:.1500}")


# A grammar that allows no text. vLLM answers 500, and neither it nor other requests suffer.
FRUITLESS = b"root ::= root root"
# Connections that the server ends while more is coming: what is no HTTP, and floods of headers.
MAY_CLOSE = ("no HTTP", "odd headers")


def in_json(head: bytes, body: bytes) -> bool:
    """Whether an error is said in JSON; a HEAD has no body, and the server's own 400 is a text."""
    if not body or body == b"Invalid HTTP request received.":
        return True
    if b"transfer-encoding: chunked" in head.lower():
        body = body.split(b"\r\n")[1]
    try:
        return bool(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return False


async def send_all(port: int, requests: Iterable[Hostile], at_once: int = AT_ONCE) -> Outcome:
    outcome = Outcome()
    waiting = iter(requests)

    async def work() -> None:
        for hostile in waiting:
            try:
                async with asyncio.timeout(PATIENCE):
                    outcome.note(hostile, await exchange(port, hostile))
            except TimeoutError:
                outcome.faults.append(f"{hostile.kind}: no answer to {hostile.pieces!r:.1500}")

    await asyncio.gather(*[work() for _ in range(at_once)])
    return outcome


async def exchange(port: int, hostile: Hostile) -> bytes | None:
    """The bytes of the answer, or None where the client left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in hostile.pieces:
            writer.write(piece)
            await writer.drain()
            if hostile.pause:
                await asyncio.sleep(hostile.pause)
        if hostile.leaves_after is None:
            return await reader.read(-1)
        await asyncio.sleep(hostile.leaves_after)
        return None
    except ConnectionError:
        # Refused in mid-body; what was said before that may still be there.
        return await rest(reader) if hostile.leaves_after is None else None
    finally:
        writer.transport.abort()


async def rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(2**16)
    except ConnectionError:
        return b""
