"""The kinds of hostile requests, made from a seed: the same ones at every run."""

import gzip
from collections.abc import Iterator
from random import Random

from hostile_request import Hostile, dumped, message, post, value
from hostile_values import DEEP, FIELDS, HONEST, METHODS, PATHS, POSTED


def wrong_field(random: Random) -> Hostile:
    path = random.choice(POSTED)
    names = random.choices(FIELDS[path].split(), k=random.choice([1, 1, 2, 3]))
    return post(
        random,
        "wrong value",
        path,
        dumped({**HONEST[path], **{name: value(random) for name in names}}),
    )


def deep_field(random: Random) -> Hostile:
    path = random.choice(POSTED[1:])
    return post(random, "odd request", path, dumped({**HONEST[path], **random.choice(DEEP)}))


def damaged(random: Random) -> Hostile:
    """An honest body with bytes changed, left out or put in."""
    path = random.choice(POSTED)
    body = bytearray(dumped(HONEST[path]))
    for _ in range(random.choice([1, 2, 8])):
        place = random.randrange(len(body))
        match random.randrange(3):
            case 0:
                body[place] = random.randrange(256)
            case 1:
                del body[place:]
                body += b" "
            case _:
                body[place:place] = random.choice([b'"', b"{", b"[", b"\\", b"\0", b"\xff", b","])
    return post(random, "damaged JSON", path, bytes(body))


def no_json(random: Random) -> Hostile:
    path = random.choice(POSTED)
    honest = dumped(HONEST[path])
    body = random.choice(
        [
            b"[" * 3000,
            b'{"prompt":' * 3000,
            b"[]" * 5000,
            b"[" + b"[]," * 9000 + b"1]",
            b'{"a":"' + b'\\"' * 9000,
            b"\xef\xbb\xbf" + honest,
            honest.decode().encode("utf-16"),
            honest.decode().encode("utf-32-le"),
            honest[:-1] + b',"prompt":"a","prompt":"b"}',
            honest[:-1] + b',"temperature":NaN}',
            honest[:-1] + b',"seed":' + b"9" * 4999 + b"}",
            honest[:-1] + b',"top_p":1e999}',
            honest[:-1] + b',"stop":"\\udfff"}',
            honest + honest,
            b"",
            b"null",
            b"[]",
            b'"prompt"',
            random.randbytes(200),
        ]
    )
    return post(random, "no JSON", path, body)


def odd_headers(random: Random) -> Hostile:
    path = random.choice(POSTED)
    body = dumped(HONEST[path])
    headers = random.choice(
        [
            ["content-encoding: gzip"],
            ["content-encoding: br, gzip"],
            ["content-type: text/plain"],
            ["content-type: application/json; charset=utf-16"],
            ["content-type: multipart/form-data; boundary=x"],
            [f"x-{number}: {'v' * 50}" for number in range(300)],
            ["cookie: " + "c" * 60_000],
            ["x-data-parallel-rank: 99999"],
            ["x-request-id: same"],
            ["x-request-id: " + "r" * 9000],
            ["authorization: Basic \xff\xfe"],
            ["expect: 100-continue"],
            ["expect: nothing"],
            ["traceparent: 00-" + "f" * 60],
        ]
    )
    if headers == ["content-encoding: gzip"]:
        body = gzip.compress(bytes(2**22), mtime=0)
    return post(random, "odd headers", path, body, *headers)


def odd_route(random: Random) -> Hostile:
    method = random.choice([*METHODS, "GET", "POST"])
    path = random.choice([*PATHS, *POSTED, "/lineage", "/health", "/v1/models"])
    if (method, path) in [("POST", path) for path in POSTED]:
        path = "/v1/nothing"
    return Hostile("odd route", [message(method, path, b"{}" if method == "POST" else b"")])


def large(random: Random) -> Hostile:
    path = random.choice(POSTED)
    if random.random() < 0.3:  # announced, and never sent
        head = message(
            "POST", path, b"", f"content-length: {2 ** random.randrange(25, 60)}", length=False
        )
        return Hostile("large", [head])
    if random.random() < 0.5:
        return Hostile("large", [message("POST", path, b'{"prompt":"' + b"x" * 2**20 + b'"}')])
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    head = message("POST", path, b"", "transfer-encoding: chunked", length=False)
    return Hostile("large", [head, *[chunk] * random.choice([4, 17, 20]), b"0\r\n\r\n"])


def no_http(random: Random) -> Hostile:
    start = "POST /generate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    sent = random.choice(
        [
            random.randbytes(300),
            b"\r\n" * 50,
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
            f"{start}content-length: -5\r\n\r\n".encode(),
            f"{start}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}".encode(),
            f"{start}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{{}}".encode(),
            f"{start}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n".encode(),
            f"{start}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n".encode(),
            f"{start}x\r\n\r\n".encode(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ]
    )
    return Hostile("no HTTP", [sent], leaves_after=0.2)


def slow(random: Random) -> Hostile:
    """Trickles, and leaves before the body is whole."""
    path = random.choice(POSTED)
    whole = message("POST", path, dumped(HONEST[path]))
    begun = whole[: random.randrange(30, len(whole))]
    step = random.choice([1, 7, 20])
    at = max(0, len(begun) - 40 * step)
    trickle = [begun[place : place + step] for place in range(at, len(begun), step)]
    return Hostile("slow body", [begun[:at], *trickle], pause=0.03, leaves_after=0.1)


def endless(random: Random) -> Hostile:
    """Announces a body, sends one byte, and waits for what is said about that."""
    head = message("POST", random.choice(POSTED), b"", "content-length: 500", length=False)
    return Hostile("endless body", [head + b"{"])


def leaves(random: Random) -> Hostile:
    """Asks for a long answer and leaves within it."""
    long = {"max_tokens": 200, "temperature": 1}
    path = random.choice([*POSTED, "/generate"])
    body = {**HONEST[path], **long}
    if path == "/generate" and random.random() < 0.7:
        body = {"instances": [body] * random.choice([2, 5, 12])}
    elif path != "/generate":
        body |= {"ignore_eos": True, "stream": random.random() < 0.5, "n": random.choice([1, 3])}
    whole = message("POST", path, dumped(body))
    return Hostile("leaves", [whole], leaves_after=random.choice([0, 0.01, 0.05, 0.2]))


def honest(random: Random) -> Hostile:
    path = random.choice(POSTED)
    body = HONEST[path]
    if path == "/generate" and random.random() < 0.5:
        body = {"instances": [body, {"question": "q", "context": "c", "max_tokens": 2}]}
    return post(random, "honest", path, dumped(body))


KINDS = [
    *[(wrong_field, 25), (deep_field, 15), (damaged, 15), (no_json, 12), (odd_headers, 6)],
    *[(odd_route, 8), (large, 2), (no_http, 3), (slow, 4), (leaves, 8), (honest, 3)],
]


def hostile_requests(seed: int, count: int) -> Iterator[Hostile]:
    random = Random(seed)
    weights = [weight for _, weight in KINDS]
    for _ in range(count):
        (make, _), *_ = random.choices(KINDS, weights)
        yield make(random)
