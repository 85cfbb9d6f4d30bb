"""A prefix of a Cloud Storage bucket as storage."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from mimetypes import guess_type
from pathlib import Path

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage import transfer_manager

from finetune.storage.checksum import crc32c_of
from finetune.storage.cloud_storage_errors import explained
from finetune.storage.storage import AlreadyThere, Storage, StoredFile

# Threads, not the default processes: those would each import this program, torch included, again.
_WORKERS = {"worker_type": transfer_manager.THREAD, "max_workers": 8, "raise_exception": True}
# Seconds for one request. The default of 60 is short for a 100 MB piece over a busy link.
_TIMEOUT = 300
# Every transfer is checked against its CRC-32C by client and server. Copied at each use: the
# transfer manager writes into it.
_CHECKED = {"timeout": _TIMEOUT, "checksum": "crc32c"}


class CloudStorage:
    """See `Storage`."""

    def __init__(self, bucket: storage.Bucket, prefix: str) -> None:
        self.uri = f"gs://{bucket.name}/{prefix}".rstrip("/")
        self.bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @classmethod
    def at(cls, uri: str, project: str | None = None) -> "CloudStorage":
        """The storage at `gs://BUCKET/PREFIX`, with the credentials of the environment."""
        bucket, _, prefix = uri.removeprefix("gs://").rstrip("/").partition("/")
        with explained(uri, "read"):
            return cls(storage.Client(project=project).bucket(bucket), prefix)

    def below(self, name: str) -> "CloudStorage":
        return CloudStorage(self.bucket, self._prefix + name)

    def files(self) -> dict[str, StoredFile]:
        with explained(self.uri, "list"):
            return {
                blob.name.removeprefix(self._prefix): StoredFile(blob.size, blob.crc32c)
                for blob in self.bucket.client.list_blobs(self.bucket, prefix=self._prefix)
                if not blob.name.endswith("/")  # the console's folder markers
            }

    def read(self, name: str) -> str | None:
        data = self.read_bytes(name)
        return None if data is None else data.decode()

    def read_bytes(self, name: str) -> bytes | None:
        with explained(f"{self.uri}/{name}", "read"):
            try:
                return self.blob(name).download_as_bytes(**_CHECKED)
            except NotFound:
                return None

    def write(self, name: str, text: str) -> None:
        self.write_bytes({name: text.encode()})

    def write_bytes(self, files: dict[str, bytes]) -> None:
        with explained(self.uri, "write"), ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(self._send, files, files.values()))

    def create(self, name: str, text: str) -> None:
        data = text.encode()
        with explained(f"{self.uri}/{name}", "create"):
            try:
                self._send(name, data, if_generation_match=0)
            except PreconditionFailed:
                # Also what a retry hears whose first request was carried out, its answer lost.
                self._require_same(self.blob(name), StoredFile(len(data), crc32c_of(data)))

    def upload(self, directory: Path, names: list[str]) -> None:
        with explained(self.uri, "write"):
            pairs = [(str(directory / name), self.blob(name)) for name in names]
            transfer_manager.upload_many(pairs, upload_kwargs={**_CHECKED}, **_WORKERS)

    def download(self, names: list[str], directory: Path) -> None:
        with explained(self.uri, "read"):
            transfer_manager.download_many_to_path(
                self.bucket,
                names,
                destination_directory=str(directory),
                blob_name_prefix=self._prefix,
                download_kwargs={**_CHECKED},
                **_WORKERS,
            )

    def copy_from(self, source: Storage, files: dict[str, StoredFile]) -> None:
        """Copies inside Cloud Storage: within a location that moves no bytes, whatever the size."""
        with explained(self.uri, "create"), ThreadPoolExecutor(max_workers=8) as pool:
            copies = [pool.submit(self._copy, source, name, file) for name, file in files.items()]
            for copy in copies:
                copy.result()

    def delete(self, names: list[str]) -> None:
        with explained(self.uri, "delete"):
            for name in names:
                with suppress(NotFound):
                    self.blob(name).delete(timeout=_TIMEOUT)

    def blob(self, name: str) -> storage.Blob:
        """The object of a name below the prefix."""
        return self.bucket.blob(self._prefix + name)

    def _send(self, name: str, data: bytes, **conditions: int) -> None:
        kind = guess_type(name)[0] or "application/octet-stream"
        # Its size known, a small file takes one request instead of two.
        self.blob(name).upload_from_file(
            BytesIO(data), size=len(data), content_type=kind, **conditions, **_CHECKED
        )

    def _copy(self, source: Storage, name: str, file: StoredFile) -> None:
        blob = self.blob(name)
        # Suppressed: what is there already is compared below like what was copied.
        with suppress(PreconditionFailed):
            if isinstance(source, CloudStorage):
                token = None
                while True:
                    token, _, _ = blob.rewrite(
                        source.blob(name), token=token, if_generation_match=0, timeout=_TIMEOUT
                    )
                    if token is None:
                        break
            else:
                blob.upload_from_filename(f"{source.uri}/{name}", if_generation_match=0, **_CHECKED)
        self._require_same(blob, file)

    def _require_same(self, blob: storage.Blob, file: StoredFile) -> None:
        blob.reload(timeout=_TIMEOUT)
        if (blob.size, blob.crc32c) != (file.size, file.crc32c):
            raise AlreadyThere(
                f"gs://{self.bucket.name}/{blob.name} exists with other bytes; "
                "a version is never overwritten"
            )
