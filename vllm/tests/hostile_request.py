"""One request that no honest client sends, and what such requests are put together from."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hostile_values import NUMBERS, TEXTS


@dataclass(frozen=True)
class Hostile:
    """Bytes for one connection, and how they are sent."""

    kind: str
    pieces: list[bytes]
    #: Seconds between the pieces.
    pause: float = 0
    #: Seconds after the last piece at which the client leaves; None: it waits for the answer.
    leaves_after: float | None = None


def message(method: str, path: str, body: bytes = b"", *headers: str, length: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: x", "connection: close", *headers]
    if not any(line.startswith("content-type") for line in headers):
        lines.append("content-type: application/json")
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def post(random: Random, kind: str, path: str, body: bytes, *headers: str) -> Hostile:
    """In one piece, or in up to five with a moment between."""
    whole = message("POST", path, body, *headers)
    cuts = sorted(random.choices(range(len(whole)), k=random.choice([0, 0, 0, 1, 4])))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    return Hostile(kind, pieces, pause=0.01)


def value(random: Random, depth: int = 0) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: random.choice(TEXTS),
        lambda: random.choice(NUMBERS),
        lambda: None,
        lambda: [value(random, depth + 1) for _ in range(random.randrange(4))],
        lambda: {
            random.choice(TEXTS): value(random, depth + 1) for _ in range(random.randrange(3))
        },
    ]
    return random.choice(kinds[: 3 if depth > 3 else 5])()


def dumped(content: Any) -> bytes:
    return json.dumps(content).encode("utf-8", "surrogatepass")
