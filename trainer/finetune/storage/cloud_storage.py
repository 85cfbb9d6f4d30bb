"""A prefix of a Cloud Storage bucket as storage."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage import transfer_manager

from finetune.storage.checksum import crc32c_of
from finetune.storage.storage import AlreadyThere, Storage, StoredFile

# Threads, not the default processes: those would each import this program, torch included, again.
_WORKERS = {"worker_type": transfer_manager.THREAD, "max_workers": 8, "raise_exception": True}
# Seconds for one request. The default of 60 is short for a 100 MB piece over a busy link.
_TIMEOUT = 300


class CloudStorage:
    """See `Storage`. Every transfer is checked against its CRC-32C by the client."""

    def __init__(self, uri: str, project: str | None = None) -> None:
        self.uri = uri.rstrip("/")
        bucket, _, prefix = self.uri.removeprefix("gs://").partition("/")
        self.bucket = storage.Client(project=project).bucket(bucket)
        self._prefix = f"{prefix}/" if prefix else ""

    def files(self) -> dict[str, StoredFile]:
        return {
            blob.name.removeprefix(self._prefix): StoredFile(blob.size, blob.crc32c)
            for blob in self.bucket.client.list_blobs(self.bucket, prefix=self._prefix)
            if not blob.name.endswith("/")  # the console's folder markers
        }

    def read(self, name: str) -> str | None:
        try:
            return self.blob(name).download_as_bytes(timeout=_TIMEOUT).decode()
        except NotFound:
            return None

    def write(self, name: str, text: str) -> None:
        self.blob(name).upload_from_string(text.encode(), _content_type(name), checksum="crc32c")

    def create(self, name: str, text: str) -> None:
        data = text.encode()
        blob = self.blob(name)
        try:
            blob.upload_from_string(
                data, _content_type(name), if_generation_match=0, checksum="crc32c"
            )
        except PreconditionFailed:
            self._require_same(blob, StoredFile(len(data), crc32c_of(data)))

    def upload(self, directory: Path, names: list[str]) -> None:
        transfer_manager.upload_many_from_filenames(
            self.bucket,
            names,
            source_directory=str(directory),
            blob_name_prefix=self._prefix,
            upload_kwargs={"timeout": _TIMEOUT, "checksum": "crc32c"},
            **_WORKERS,
        )

    def download(self, names: list[str], directory: Path) -> None:
        transfer_manager.download_many_to_path(
            self.bucket,
            names,
            destination_directory=str(directory),
            blob_name_prefix=self._prefix,
            download_kwargs={"timeout": _TIMEOUT, "checksum": "crc32c"},
            **_WORKERS,
        )

    def copy_from(self, source: Storage, files: dict[str, StoredFile]) -> None:
        """Copies inside Cloud Storage: within a location that moves no bytes, whatever the size."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            copies = [pool.submit(self._copy, source, name, file) for name, file in files.items()]
            for copy in copies:
                copy.result()

    def blob(self, name: str) -> storage.Blob:
        """The object of a name below the prefix."""
        return self.bucket.blob(self._prefix + name)

    def _copy(self, source: "CloudStorage", name: str, file: StoredFile) -> None:
        blob, token = self.blob(name), None
        try:
            while True:
                token, _, _ = blob.rewrite(
                    source.blob(name), token=token, if_generation_match=0, timeout=_TIMEOUT
                )
                if token is None:
                    return
        except PreconditionFailed:
            self._require_same(blob, file)

    def _require_same(self, blob: storage.Blob, file: StoredFile) -> None:
        blob.reload()
        if (blob.size, blob.crc32c) != (file.size, file.crc32c):
            raise AlreadyThere(
                f"gs://{self.bucket.name}/{blob.name} exists with other bytes; "
                "a version is never overwritten"
            )


def _content_type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "text/plain"
