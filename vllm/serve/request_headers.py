"""What is refused by its headers: floods of them, and bodies that are not plain JSON."""

from collections.abc import MutableMapping
from typing import Any

from serve.request_error import RequestError

MOST_HEADERS = 100
# Cloud Run lets 32 KiB pass, over HTTP/1: https://cloud.google.com/run/quotas#request_limits
MOST_HEADER_BYTES = 2**15


def refuse_header_floods(scope: MutableMapping[str, Any]) -> None:
    """Raises RequestError (431). The server has read them all by now; vLLM shall not log them."""
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        raise RequestError(
            431,
            f"the request has {len(headers)} headers of {size} bytes together, allowed are "
            f"{MOST_HEADERS} of {MOST_HEADER_BYTES}; send fewer",
            closes=True,
        )


def require_plain_json(scope: MutableMapping[str, Any]) -> None:
    """Raises RequestError (415) for a body that is announced as something else than JSON.

    A compressed one is refused, however small: 1 MiB of gzip may be 1 GiB of brackets.
    """
    encodings = [value for name, value in scope["headers"] if name == b"content-encoding"]
    if any(encoding.strip().lower() not in (b"", b"identity") for encoding in encodings):
        raise RequestError(
            415,
            f"the body has the content-encoding {shown(encodings[0])}, allowed is none; "
            "send it uncompressed",
            {"accept-encoding": "identity"},
        )
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    if types and not all(map(is_json, types)):
        raise RequestError(
            415,
            f"the body has the content-type {shown(types[0])}, allowed is application/json; "
            'send the header "content-type: application/json"',
        )


def is_json(content_type: bytes) -> bool:
    media, _, parameters = content_type.lower().partition(b";")
    charset = parameters.replace(b'"', b"").replace(b" ", b"")
    return media.strip() == b"application/json" and (
        b"charset=" not in charset or b"charset=utf-8" in charset
    )


def shown(value: bytes) -> str:
    return repr(value.decode("latin-1")[:60])
