import json

import pytest
from tiny import RUN_ID, environment

from finetune.publishing.manifest import Lineage, write_manifest
from finetune.publishing.version_directory import (
    BrokenVersion,
    is_published,
    publish,
    stage,
    staged_manifest,
)
from finetune.settings import read_settings
from finetune.storage.location import storage_at
from finetune.storage.storage import AlreadyThere


@pytest.fixture(params=["folder", "gs"])
def bucket(request, tmp_path, cloud):
    return str(tmp_path / "bucket") if request.param == "folder" else "gs://models"


@pytest.fixture
def settings(set_environment, bucket):
    set_environment(environment("/base", "/data", bucket))
    return read_settings()


def write_version(directory, settings, weights=b"weights\r\n\r\n\x00"):
    (directory / "adapter").mkdir(parents=True)
    (directory / "model.safetensors").write_bytes(weights)
    (directory / "adapter" / "adapter_config.json").write_text("{}")
    write_manifest(directory, settings, Lineage("b", "d", None), {"exact_match": 1.0})
    return directory


@pytest.fixture
def staged(settings, tmp_path):
    checkpoint = storage_at(settings.checkpoint_uri)
    stage(write_version(tmp_path / "version", settings), checkpoint)
    return checkpoint


def test_a_staged_version_becomes_public_file_by_file_as_the_manifest_says(staged, settings):
    output = storage_at(settings.output_uri)
    assert not is_published(output)
    publish(staged, output, staged_manifest(staged, settings))
    assert is_published(output)
    manifest = json.loads(output.read("manifest.json"))
    assert [file["name"] for file in manifest["files"]] == [
        "adapter/adapter_config.json",
        "model.safetensors",
    ]
    stored = output.files()
    assert stored.keys() == {file["name"] for file in manifest["files"]} | {
        "manifest.json",
        "_SUCCESS",
    }
    for file in manifest["files"]:
        assert (stored[file["name"]].size, stored[file["name"]].crc32c) == (
            file["size"],
            file["crc32c"],
        )


def test_manifest_and_then_success_come_last(cloud, set_environment, tmp_path):
    set_environment(environment("/base", "/data", "gs://models"))
    settings = read_settings()
    checkpoint, output = storage_at(settings.checkpoint_uri), storage_at(settings.output_uri)
    stage(write_version(tmp_path / "version", settings), checkpoint)
    assert cloud.writes[-1].endswith("staging/manifest.json")
    publish(checkpoint, output, staged_manifest(checkpoint, settings))
    assert [name.rsplit("/", 1)[1] for name in cloud.writes[-2:]] == ["manifest.json", "_SUCCESS"]


def test_a_second_attempt_goes_on_where_a_crash_stopped_the_first(staged, settings):
    output = storage_at(settings.output_uri)
    manifest = staged_manifest(staged, settings)
    files = {
        name: file for name, file in staged.files().items() if name.endswith("model.safetensors")
    }
    staging = storage_at(f"{settings.checkpoint_uri}/staging")
    output.copy_from(staging, {name.removeprefix("staging/"): file for name, file in files.items()})
    assert not is_published(output)
    publish(staged, output, manifest)
    assert is_published(output)
    publish(staged, output, manifest)  # and once more after a crash right before the exit


def test_an_incomplete_staging_area_is_no_version(staged, settings, cloud, tmp_path):
    if settings.checkpoint_uri.startswith("gs://"):
        del cloud.objects["models", f"checkpoints/tiny-sql/{RUN_ID}/staging/model.safetensors"]
    else:
        (tmp_path / "bucket/checkpoints/tiny-sql" / RUN_ID / "staging/model.safetensors").unlink()
    assert staged_manifest(staged, settings) is None


def test_fails_when_a_file_of_the_version_exists_with_other_bytes(staged, settings):
    output = storage_at(settings.output_uri)
    output.write("model.safetensors", "other")
    with pytest.raises(AlreadyThere, match=r"model\.safetensors exists with other bytes"):
        publish(staged, output, staged_manifest(staged, settings))
    assert output.read("model.safetensors") == "other"
    assert output.read("_SUCCESS") is None


def test_fails_when_a_manifest_of_another_version_is_there(staged, settings):
    output = storage_at(settings.output_uri)
    output.write("manifest.json", "{}")
    with pytest.raises(AlreadyThere, match=r"manifest\.json exists with other bytes"):
        publish(staged, output, staged_manifest(staged, settings))


def test_fails_when_a_published_file_does_not_match_the_manifest(staged, settings):
    output = storage_at(settings.output_uri)
    publish(staged, output, staged_manifest(staged, settings))
    output.write("model.safetensors", "damaged")
    with pytest.raises(BrokenVersion, match=r"model\.safetensors is missing or differs"):
        is_published(output)
