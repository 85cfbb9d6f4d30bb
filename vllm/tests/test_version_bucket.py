"""Which versions in a bucket are served, asked of a local Cloud Storage."""

import json
import sys

import pytest

from cold_start.bucket_server import BucketServer
from serve import __main__ as start_up
from serve.startup_error import StartupError
from serve.version_bucket import verify_bucket
from test_start_up import Execution

URI = "gs://models/tiny/0123456789ab"


@pytest.fixture
def bucket(version_directory, monkeypatch):
    """The version directory's folder as a bucket."""
    with BucketServer(version_directory.parents[1]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def refusal(uri: str = URI) -> str:
    with pytest.raises(StartupError) as caught:
        verify_bucket(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_crc32c_is_compared_without_downloading_the_weights(bucket):
    version = verify_bucket(f"{URI}/")
    manifest = bucket.objects.folder / "tiny" / "0123456789ab" / "manifest.json"
    assert (version.location, version.checksums) == (URI, 3)
    assert version.manifest_path.read_bytes() == manifest.read_bytes()
    assert bucket.sent == manifest.stat().st_size


def test_vllm_is_started_on_the_bucket_with_the_streamer(bucket, monkeypatch):
    monkeypatch.setattr(start_up, "find_spec", lambda name: name)
    monkeypatch.setattr(start_up, "cpu_build", lambda: "0.32.0")
    monkeypatch.setattr(
        start_up.os, "execvpe", lambda *call: (_ for _ in ()).throw(Execution(*call))
    )
    monkeypatch.setattr(sys, "argv", ["serve", f"--model={URI}", "--load-format=stream"])
    with pytest.raises(Execution) as caught:
        start_up.main()
    assert f"serve {URI} --served-model-name tiny" in " ".join(caught.value.command)
    assert "--load-format runai_streamer" in " ".join(caught.value.command)


def test_fails_when_weights_have_other_bytes_of_the_same_size(bucket, version_directory):
    (version_directory / "model.safetensors").write_bytes(b"x" + bytes(999))
    assert f"{URI}/model.safetensors: expected crc32c " in refusal()


def test_fails_when_an_object_is_beside_the_listed_ones(bucket, version_directory):
    (version_directory / "extra.safetensors").write_bytes(b"x")
    message = refusal()
    assert f"{URI}/extra.safetensors: expected the files of the manifest alone" in message


def test_fails_when_an_object_is_missing_or_cut(bucket, version_directory):
    (version_directory / "model.safetensors").write_bytes(bytes(10))
    assert "model.safetensors: expected 1000 bytes, found 10;" in refusal()
    (version_directory / "model.safetensors").unlink()
    assert "model.safetensors: expected 1000 bytes, found no such file" in refusal()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("_SUCCESS", "_SUCCESS: expected the mark of a finished version, found none"),
        ("manifest.json", "manifest.json: expected a manifest, found none"),
    ],
)
def test_fails_when_the_version_is_unfinished(bucket, version_directory, name, message):
    (version_directory / name).unlink()
    assert message in refusal()


def test_fails_when_the_marker_holds_something(bucket, version_directory):
    (version_directory / "_SUCCESS").write_text("x")
    assert "_SUCCESS: expected an empty file, found 1 bytes" in refusal()


def test_fails_when_the_manifest_is_of_another_run(bucket, version_directory):
    path = version_directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "run_id": "ba9876543210"}))
    assert "expected the manifest of run 0123456789ab" in refusal()


def test_fails_when_there_is_no_such_folder_or_bucket(bucket):
    assert "expected a version directory, found no object" in refusal("gs://models/tiny/gone")
    assert "found no folder of a bucket" in refusal("gs://models")
    assert "cannot be read (404" in refusal("gs://other/tiny/0123456789ab")
