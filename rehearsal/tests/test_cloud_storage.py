"""google-cloud-storage, transfer manager included, against the local cloud."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core.exceptions import Forbidden, NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage import transfer_manager
from google.oauth2.credentials import Credentials

COMMAND = Path(__file__).parents[1] / "cloud" / "tuneserve-cloud.mjs"


def started(folder: Path) -> tuple[subprocess.Popen, dict[str, str]]:
    """A local cloud and the environment that it prints."""
    process = subprocess.Popen(
        [COMMAND, "--port", "0", "--folder", folder], stdout=subprocess.PIPE, text=True
    )
    environment = {}
    for line in process.stdout:
        name, value = re.fullmatch(r"export (\w+)=(.*)\n", line).groups()
        environment[name] = value
        if name == "CLOUDSDK_CORE_PROJECT":
            return process, environment
    raise AssertionError("the local cloud did not start")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[storage.Client]:
    process, environment = started(tmp_path_factory.mktemp("cloud"))
    endpoint = environment["GOOGLE_STORAGE_CUSTOM_ENDPOINT"].removesuffix("/storage/v1/")
    token = environment["GOOGLE_OAUTH_ACCESS_TOKEN"]
    client = storage.Client(
        project="local-project",
        credentials=Credentials(token),
        client_options={"api_endpoint": endpoint},
    )
    service = environment["GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT"]
    answer = client._http.post(
        f"{service}projects/local-project/services/storage.googleapis.com:enable", json={}
    )
    assert answer.status_code == 200
    yield client
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def bucket(client: storage.Client) -> storage.Bucket:
    bucket = client.bucket("tested")
    bucket.versioning_enabled = True
    client.create_bucket(bucket, location="us-central1")
    return bucket


def test_the_transfer_manager_brings_files_there_and_back(
    bucket: storage.Bucket, tmp_path: Path
) -> None:
    contents = {"empty": b"", "small": b"x" * 1000, "large": os.urandom(9_000_000)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    for result in transfer_manager.upload_many_from_filenames(
        bucket,
        list(contents),
        source_directory=str(tmp_path),
        blob_name_prefix="files/",
        worker_type=transfer_manager.THREAD,
        upload_kwargs={"checksum": "crc32c"},
    ):
        assert result is None
    back = tmp_path / "back"
    transfer_manager.download_many_to_path(
        bucket,
        list(contents),
        destination_directory=str(back),
        blob_name_prefix="files/",
        worker_type=transfer_manager.THREAD,
        raise_exception=True,
    )

    assert {path.name: path.read_bytes() for path in back.iterdir()} == contents


def test_the_transfer_manager_moves_one_file_in_pieces_at_once(
    bucket: storage.Bucket, tmp_path: Path
) -> None:
    content = os.urandom(11_000_000)
    (tmp_path / "file").write_bytes(content)
    pieces = {"chunk_size": 5 * 1024 * 1024, "worker_type": transfer_manager.THREAD}

    transfer_manager.upload_chunks_concurrently(
        str(tmp_path / "file"), bucket.blob("in/pieces"), checksum="crc32c", **pieces
    )
    transfer_manager.download_chunks_concurrently(
        bucket.blob("in/pieces"), str(tmp_path / "back"), **pieces
    )

    assert (tmp_path / "back").read_bytes() == content
    blob = bucket.get_blob("in/pieces")
    assert (blob.component_count, blob.md5_hash) == (3, None)


def test_an_upload_in_pieces_arrives_whole(bucket: storage.Bucket, tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    blob = bucket.blob("pieces", chunk_size=262_144)
    (tmp_path / "file").write_bytes(content)

    blob.upload_from_filename(str(tmp_path / "file"), checksum="crc32c")

    assert blob.download_as_bytes() == content
    assert blob.download_as_bytes(start=10, end=19) == content[10:20]


def test_a_copy_has_the_same_checksum(bucket: storage.Bucket) -> None:
    source = bucket.blob("source")
    source.upload_from_string("content")
    copy = bucket.blob("copy")

    token, _, _ = copy.rewrite(source, if_generation_match=0)

    copy.reload()
    assert token is None
    assert copy.crc32c == source.crc32c


def test_composed_objects_are_joined(bucket: storage.Bucket) -> None:
    parts = [bucket.blob(f"part-{number}") for number in range(2)]
    for number, part in enumerate(parts):
        part.upload_from_string(f"{number};")

    bucket.blob("whole").compose(parts)

    assert bucket.blob("whole").download_as_text() == "0;1;"


def test_fails_when_an_object_is_there_already(bucket: storage.Bucket) -> None:
    bucket.blob("once").upload_from_string("first")

    with pytest.raises(PreconditionFailed):
        bucket.blob("once").upload_from_string("second", if_generation_match=0)


def test_fails_when_what_is_copied_is_another_version(bucket: storage.Bucket) -> None:
    source = bucket.blob("versioned")
    source.upload_from_string("content")

    with pytest.raises(PreconditionFailed):
        bucket.blob("copied").rewrite(source, if_source_generation_match=1)
    with pytest.raises(PreconditionFailed):
        bucket.blob("composed").compose([source], if_source_generation_match=[1])


def test_fails_when_a_bucket_was_changed_meanwhile(bucket: storage.Bucket) -> None:
    bucket.reload()
    bucket.labels = {"env": "test"}
    before = bucket.metageneration
    bucket.patch(if_metageneration_match=before)

    with pytest.raises(PreconditionFailed):
        bucket.patch(if_metageneration_match=before)


def test_a_version_that_is_not_current_can_be_read_until_it_is_deleted(
    bucket: storage.Bucket,
) -> None:
    blob = bucket.blob("rewritten")
    blob.upload_from_string("old")
    old = blob.generation
    bucket.blob("rewritten").upload_from_string("new")

    assert bucket.blob("rewritten", generation=old).download_as_text() == "old"
    bucket.blob("rewritten", generation=old).delete()
    with pytest.raises(NotFound):
        bucket.blob("rewritten", generation=old).download_as_text()
    assert bucket.blob("rewritten").download_as_text() == "new"


def test_fails_when_the_object_was_deleted(bucket: storage.Bucket) -> None:
    bucket.blob("gone").upload_from_string("content")
    # A blob of its own: the one that was uploaded knows its generation, and would delete just that.
    bucket.blob("gone").delete()

    with pytest.raises(NotFound):
        bucket.blob("gone").download_as_bytes()
    assert [version.name for version in bucket.list_blobs(prefix="gone", versions=True)] == ["gone"]


def test_fails_when_the_bucket_is_somebody_elses_project(client: storage.Client) -> None:
    with pytest.raises(Forbidden):
        list(client.list_buckets(project="other-project"))
