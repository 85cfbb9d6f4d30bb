import json

import pytest
from tiny import RUN_ID, environment
from tiny_adapter import write_adapter

from finetune.publishing.manifest import Lineage
from finetune.publishing.version_directory import (
    BrokenVersion,
    is_published,
    publish,
    stage,
    staged_manifest,
)
from finetune.publishing.version_files import write_version_files
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


@pytest.fixture(scope="session")
def adapter(bases, tmp_path_factory):
    return write_adapter(bases["llama"], tmp_path_factory.mktemp("adapter"))


@pytest.fixture
def write_staging(settings, bases, adapter, tmp_path):
    """Merges and stages; like one attempt, from a scratch directory of its own."""

    def write(checkpoint, scratch="scratch"):
        version = tmp_path / scratch
        write_version_files(version, bases["llama"], adapter, [1])
        (version / "report.html").write_text("<p>report")
        metrics = {"exact_match": 1.0}
        lineage = Lineage("b", "d", None)
        stage(version, bases["llama"], adapter, checkpoint, settings, lineage, metrics)
        return checkpoint

    return write


@pytest.fixture
def staged(settings, write_staging):
    return write_staging(storage_at(settings.checkpoint_uri))


def test_a_staged_version_becomes_public_file_by_file_as_the_manifest_says(staged, settings):
    output = storage_at(settings.output_uri)
    assert not is_published(output)
    publish(staged, output, staged_manifest(staged, settings))
    assert is_published(output)
    manifest = json.loads(output.read("manifest.json"))
    assert [file["name"] for file in manifest["files"]] == [
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "report.html",
        "tokenizer.json",
        "tokenizer_config.json",
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


@pytest.mark.parametrize("bucket", ["gs://models"])
def test_manifest_and_then_success_come_last(cloud, settings, write_staging):
    checkpoint, output = storage_at(settings.checkpoint_uri), storage_at(settings.output_uri)
    write_staging(checkpoint)
    names = [name.rsplit("/", 1)[1] for name in cloud.writes]
    assert names[0] == "model.safetensors" and names[-1] == "manifest.json"
    publish(checkpoint, output, staged_manifest(checkpoint, settings))
    assert [name.rsplit("/", 1)[1] for name in cloud.writes[-2:]] == ["manifest.json", "_SUCCESS"]


def test_an_attempt_writes_a_staging_area_that_was_left_half_done_again(
    staged, settings, write_staging
):
    staging = staged.below("staging")
    first = staging.files()
    staging.delete(["manifest.json", "config.json"])
    staging.write("model.safetensors", "half")
    assert staged_manifest(staged, settings) is None
    write_staging(staged, "another scratch")
    again = staging.files()
    assert staged_manifest(staged, settings) is not None
    assert {name for name in first if first[name] != again[name]} <= {"manifest.json"}


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
