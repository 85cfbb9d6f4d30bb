"""Cloud Storage's JSON API as far as google-cloud-storage uses it here, in memory, on loopback."""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from finetune.storage.checksum import crc32c_of

UPLOAD = re.compile(r"^/upload/storage/v1/b/([^/]+)/o$")
OBJECTS = re.compile(r"^/storage/v1/b/([^/]+)/o$")
OBJECT = re.compile(r"^(/download)?/storage/v1/b/([^/]+)/o/([^/]+)$")
REWRITE = re.compile(r"^/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)$")


class CloudStorageServer:
    """
    `objects` holds bytes by bucket and name; `refuse_writes_after` makes later writes fail with
    403, `refused` any request of these methods; the buckets in `missing` do not exist. Of the next
    `lost_answers` writes the client hears 503, though they are carried out.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.writes: list[str] = []
        self.refuse_writes_after: int | None = None
        self.refused: set[str] = set()
        self.missing: set[str] = set()
        self.lost_answers = 0
        self.uploads: list[tuple[str, str, bool, bytearray]] = []
        self.lock = Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "CloudStorageServer":
        # It notices within 20 ms that it has to end: by default half a second, in every test.
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def below(self, bucket: str, prefix: str) -> dict[str, bytes]:
        """Objects by name after the prefix."""
        return {
            name.removeprefix(prefix): data
            for (where, name), data in self.objects.items()
            if where == bucket and name.startswith(prefix)
        }

    def put(self, bucket: str, name: str, data: bytes, create: bool) -> tuple[int, Any]:
        """Writes as the API would: 412 for a precondition that does not hold."""
        with self.lock:
            if create and (bucket, name) in self.objects:
                return 412, {"error": {"code": 412, "message": "conditionNotMet"}}
            if (
                self.refuse_writes_after is not None
                and len(self.writes) >= self.refuse_writes_after
            ):
                return 403, {"error": {"code": 403, "message": "refused"}}
            self.objects[bucket, name] = data
            self.writes.append(name)
            if self.lost_answers:
                self.lost_answers -= 1
                return 503, {"error": {"code": 503, "message": "try again"}}
        return 200, self.describe(bucket, name)

    def describe(self, bucket: str, name: str) -> dict[str, Any]:
        """An object's resource."""
        data = self.objects[bucket, name]
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(data)),
            "crc32c": crc32c_of(data),
            "generation": "1",
        }


def _handler(server: CloudStorageServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer's body would else wait 40 ms for the client to acknowledge its head.
        disable_nagle_algorithm = True

        def parse_request(self) -> bool:
            """Refuses before any of the methods below is called."""
            if not super().parse_request():
                return False
            bucket = self.path.partition("/b/")[2].partition("/")[0]
            code = 403 if self.command in server.refused else 404 if bucket in server.missing else 0
            if code:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(code, {"error": {"code": code, "message": "not for you"}})
            return not code

        def do_GET(self) -> None:
            path, query = self._asked()
            if match := OBJECTS.match(path):
                bucket, prefix = match[1], query.get("prefix", "")
                names = sorted(name for where, name in list(server.objects) if where == bucket)
                items = [server.describe(bucket, name) for name in names if name.startswith(prefix)]
                return self._answer(200, {"items": items})
            match = OBJECT.match(path)
            bucket, name = (match[2], unquote(match[3])) if match else ("", "")
            if (bucket, name) not in server.objects:
                return self._answer(404, {"error": {"code": 404, "message": f"no {path}"}})
            if match and match[1]:
                data = server.objects[bucket, name]
                return self._answer(200, data, {"X-Goog-Hash": f"crc32c={crc32c_of(data)}"})
            return self._answer(200, server.describe(bucket, name))

        def do_DELETE(self) -> None:
            path, _ = self._asked()
            match = OBJECT.match(path)
            found = match and server.objects.pop((match[2], unquote(match[3])), None)
            return self._answer(404, {"error": {"code": 404}}) if found is None else self._gone()

        def _gone(self) -> None:
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            path, query = self._asked()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            create = query.get("ifGenerationMatch") == "0"
            if match := REWRITE.match(path):
                source, target = unquote(match[2]), unquote(match[4])
                data = server.objects[match[1], source]
                status, resource = server.put(match[3], target, data, create)
                done = {"done": True, "totalBytesRewritten": "1", "objectSize": "1"}
                return self._answer(
                    status, {**done, "resource": resource} if status == 200 else resource
                )
            if (match := UPLOAD.match(path)) and query.get("uploadType") == "multipart":
                described, data = _parts(body)
                assert described["crc32c"] == crc32c_of(data)
                return self._answer(*server.put(match[1], described["name"], data, create))
            if match and query.get("uploadType") == "resumable":
                session = f"{server.url}{self.path}&upload_id={len(server.uploads)}"
                server.uploads.append((match[1], json.loads(body)["name"], create, bytearray()))
                return self._answer(200, b"", {"Location": session})
            return self._answer(400, {"error": {"code": 400, "message": f"cannot {path}"}})

        def do_PUT(self) -> None:
            """A piece of a resumable upload: 308 until the last one."""
            bucket, name, create, received = server.uploads[int(self._asked()[1]["upload_id"])]
            received += self.rfile.read(int(self.headers["Content-Length"]))
            if not self.headers["Content-Range"].endswith(f"/{len(received)}"):
                return self._answer(308, b"", {"Range": f"bytes=0-{len(received) - 1}"})
            return self._answer(*server.put(bucket, name, bytes(received), create))

        def _asked(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            if not isinstance(body, bytes):
                self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _parts(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Metadata and media of a multipart/related body, whose media may hold any bytes."""
    boundary = body[: body.index(b"\r\n")]
    _, metadata, rest = body.split(boundary, 2)
    media = rest[: rest.rindex(b"\r\n" + boundary)]
    return json.loads(metadata.split(b"\r\n\r\n", 1)[1]), media.split(b"\r\n\r\n", 1)[1]
