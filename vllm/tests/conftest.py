"""Version directories, and the routes around a made-up vLLM."""

import asyncio
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine_server import Server, serving
from made_up_engine import Answer, Engine
from serve.routes import Routes
from tiny_version import publish

# Nearly all that an import makes stays: looking for garbage in torch's takes seconds.
gc.set_threshold(10_000)

FILES = {
    "adapter/adapter_config.json": b"{}",
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": bytes(1000),
}


@pytest.fixture
def version_directory(tmp_path: Path) -> Path:
    """A finished version of three small files."""
    return publish(tmp_path / "tiny" / "0123456789ab", FILES)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service around vLLM itself, started once: that takes half of a minute."""
    with serving(tmp_path_factory.mktemp("tiny")) as started:
        yield started


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ask(engine, version_directory, monkeypatch):
    """Sends one request, its body in the given pieces; None when nothing was answered."""
    monkeypatch.setenv("TUNESERVE_MANIFEST", str(version_directory / "manifest.json"))

    def send_request(
        method: str,
        path: str,
        *pieces: bytes,
        headers: dict[str, str] | None = None,
        leave=False,
        cut=False,
        waits=False,
        **scoped: Any,
    ) -> Answer | None:
        messages = [
            {
                "type": "http.request",
                "body": piece,
                "more_body": cut or waits or number < len(pieces),
            }
            for number, piece in enumerate(pieces, start=1)
        ] or [{"type": "http.request", "body": b"", "more_body": False}]
        if leave or cut:
            messages.append({"type": "http.disconnect"})
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not messages:
                await asyncio.Event().wait()  # as a server: the client waits, and says nothing
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"a=b",
            "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
            **scoped,
        }
        asyncio.run(Routes(engine)(scope, receive, send))
        if not sent:
            return None
        start, *rest = sent
        body = b"".join(message["body"] for message in rest)
        decoded = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], decoded, json.loads(body or b"null"))

    return send_request
