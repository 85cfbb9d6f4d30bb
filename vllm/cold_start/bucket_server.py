"""A bucket of Cloud Storage on loopback, as slow as a network: folders below one are its objects.

Speaks as much of the JSON API (and of the XML API's reads) as google-cloud-storage, the Run:ai
streamer and gcsfuse use here: https://cloud.google.com/storage/docs/json_api/v1
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cold_start.folder_bucket import BUCKET, FolderBucket

BLOCK = 2**18
OBJECTS = f"/storage/v1/b/{BUCKET}/o"
# Also where something is created, and the XML API's place of an object.
OBJECT = re.compile(rf"^(?:/download)?{OBJECTS}/(.+)$|^/{BUCKET}/(.+)$")


class Listener(ThreadingHTTPServer):
    """Says nothing of clients that leave: gcsfuse asks for much, and goes when it has enough."""

    def handle_error(self, request: Any, address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, address)


class BucketServer:
    """
    Args:
        folder: its files are the objects, by their path below it.
        connection_bytes: most bytes a second through one connection; None for as fast as it goes.
        latency: seconds before each answer.
    """

    def __init__(
        self, folder: Path, *, connection_bytes: float | None = None, latency: float = 0
    ) -> None:
        self.objects = FolderBucket(folder)
        self.connection_bytes, self.latency = connection_bytes, latency
        self.sent = 0
        self.lock = Lock()
        self._http = Listener(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        # google-cloud-storage, and the C++ client below the streamer.
        self.environment = {
            "STORAGE_EMULATOR_HOST": self.url,
            "CLOUD_STORAGE_EMULATOR_ENDPOINT": self.url,
            "RUNAI_STREAMER_GCS_USE_ANONYMOUS_CREDENTIALS": "true",
            "GOOGLE_CLOUD_PROJECT": "local",
        }

    def __enter__(self) -> "BucketServer":
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _handler(server: BucketServer) -> type[BaseHTTPRequestHandler]:
    objects = server.objects

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(server.latency)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == f"/storage/v1/b/{BUCKET}":
                return self._answer(200, {"name": BUCKET, "id": BUCKET})
            # What gcsfuse asks of a new kind of bucket, and this is none.
            if parts.path.endswith("/storageLayout"):
                return self._answer(200, {"hierarchicalNamespace": {"enabled": False}})
            if parts.path == OBJECTS:
                listing = objects.listing(query.get("prefix", ""), query.get("delimiter", ""))
                return self._answer(200, listing)
            found = OBJECT.match(parts.path)
            name = unquote(found[1] or found[2]) if found else ""
            if not name or not (objects.folder / name).is_file():
                return self._answer(404, {"error": {"code": 404, "message": f"no {name}"}})
            if query.get("alt") == "media" or (found and found[2]):
                return self._send(name)
            return self._answer(200, objects.describe(name))

        def do_POST(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = self.headers["Content-Type"].encode()
            described, media = (
                BytesParser()
                .parsebytes(b"Content-Type: " + kind + b"\r\n\r\n" + body)
                .get_payload()
            )
            name = json.loads(described.get_payload())["name"]
            data = media.get_payload(decode=True)
            self._answer(*objects.create(name, data, query.get("ifGenerationMatch") == ["0"]))

        def _send(self, name: str) -> None:
            path = objects.folder / name
            described = objects.describe(name)
            size = int(described["size"])
            asked = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
            first = int(asked[1]) if asked else 0
            last = min(int(asked[2] or size), size - 1) if asked else size - 1
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("X-Goog-Generation", described["generation"])
            self.send_header("X-Goog-Stored-Content-Length", str(size))
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            else:
                self.send_header("X-Goog-Hash", f"crc32c={described['crc32c']}")
            self.end_headers()
            for block in self._paced(path, first, last + 1):
                self.wfile.write(block)

        def _paced(self, path: Path, position: int, end: int) -> Iterator[bytes]:
            began, first = time.monotonic(), position
            with path.open("rb", buffering=0) as stream:
                while position < end:
                    block = os.pread(stream.fileno(), min(BLOCK, end - position), position)
                    position += len(block)
                    yield block
                    with server.lock:
                        server.sent += len(block)
                    if server.connection_bytes:
                        due = began + (position - first) / server.connection_bytes
                        time.sleep(max(0.0, due - time.monotonic()))

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
