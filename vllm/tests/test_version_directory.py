"""Which version directories are served, and what is said about the others."""

import json
from pathlib import Path

import pytest

from serve import version_directory as reader
from serve.startup_error import StartupError
from serve.version_directory import verify
from tiny_version import PROMPT


def refusal(directory: Path, **options: bool) -> str:
    with pytest.raises(StartupError) as caught:
        verify(directory, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def rewrite_manifest(directory: Path, **changes: object) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_finished_version_is_accepted_with_all_its_small_files_compared(version_directory):
    version = verify(version_directory)
    assert version.manifest["run_id"] == "0123456789ab"
    assert (version.bytes, version.checksums) == (1025, 3)


def test_large_files_are_compared_by_size_alone_unless_every_checksum_is_asked_for(
    version_directory, monkeypatch
):
    monkeypatch.setattr(reader, "CHEAP_BYTES", 100)
    (version_directory / "model.safetensors").write_bytes(b"x" + bytes(999))
    assert verify(version_directory).checksums == 2
    assert "model.safetensors: expected crc32c" in refusal(version_directory, every_checksum=True)


def test_without_the_checksum_library_sizes_are_still_compared(version_directory, monkeypatch):
    monkeypatch.setattr(reader, "google_crc32c", None)
    assert verify(version_directory).checksums == 0
    (version_directory / "config.json").write_bytes(b"{}")
    assert "config.json: expected 23 bytes, found 2;" in refusal(version_directory)


def test_files_beside_the_listed_ones_are_ignored(version_directory):
    (version_directory / "notes.txt").write_text("not in the manifest")
    assert verify(version_directory).checksums == 3


def test_fails_when_every_checksum_is_asked_for_without_the_library(version_directory, monkeypatch):
    monkeypatch.setattr(reader, "google_crc32c", None)
    assert "--verify=all needs google-crc32c" in refusal(version_directory, every_checksum=True)


def test_fails_when_the_directory_does_not_exist(tmp_path):
    message = refusal(tmp_path / "gone")
    assert "gone: expected a version directory, found none; check --model" in message


def test_fails_when_the_version_is_unfinished(version_directory):
    (version_directory / "_SUCCESS").unlink()
    message = refusal(version_directory)
    assert "_SUCCESS: expected the mark of a finished version, found none; wait for" in message


def test_fails_when_the_manifest_is_missing(version_directory):
    (version_directory / "manifest.json").unlink()
    assert "manifest.json: expected a manifest, found none; serve" in refusal(version_directory)


@pytest.mark.parametrize("text", ["{", "[" * 5000, "\x00"])
def test_fails_when_the_manifest_is_no_json(version_directory, text):
    (version_directory / "manifest.json").write_text(text)
    assert "manifest.json: expected JSON, found" in refusal(version_directory)


@pytest.mark.parametrize(("found", "shown"), [(2, "2"), ("1", "'1'"), (None, "None")])
def test_fails_when_the_manifest_has_another_format(version_directory, found, shown):
    rewrite_manifest(version_directory, format=found)
    assert f"manifest.json: expected format 1, found {shown};" in refusal(version_directory)


@pytest.mark.parametrize("prompt", [None, 3, "{question", "Answer}"])
def test_fails_when_the_prompt_template_cannot_be_filled(version_directory, prompt):
    rewrite_manifest(version_directory, prompt=prompt)
    assert f"expected a prompt template, found {prompt!r}" in refusal(version_directory)


@pytest.mark.parametrize("files", [None, [], ["config.json"], [{"name": "a", "size": "1"}]])
def test_fails_when_the_manifest_lists_no_usable_files(version_directory, files):
    rewrite_manifest(version_directory, files=files)
    assert "expected files with name, size and crc32c, found" in refusal(version_directory)


def test_fails_when_a_listed_file_is_missing(version_directory):
    (version_directory / "adapter" / "adapter_config.json").unlink()
    message = refusal(version_directory)
    assert "adapter/adapter_config.json: expected 2 bytes, found no such file; serve" in message


def test_fails_when_a_file_was_cut_short(version_directory):
    (version_directory / "model.safetensors").write_bytes(bytes(999))
    message = refusal(version_directory)
    assert "model.safetensors: expected 1000 bytes, found 999; serve another run id" in message


def test_fails_when_a_small_file_has_other_bytes_of_the_same_size(version_directory):
    (version_directory / "config.json").write_bytes(b'{"model_type": "gemma"}')
    message = refusal(version_directory)
    assert "config.json: expected crc32c " in message and ", found " in message


def test_what_the_trainer_writes_is_accepted(tmp_path, monkeypatch):
    """The contract between both containers, with the trainer's own code on the other side."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "trainer")
    from finetune.publishing.manifest import Lineage, write_manifest
    from finetune.settings import Settings

    settings = Settings(
        run_id="0123456789ab",
        recipe_version=1,
        trainer_source_hash="0" * 12,
        output_uri=str(tmp_path / "out"),
        checkpoint_uri=str(tmp_path / "checkpoint"),
    )
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    write_manifest(tmp_path, settings, Lineage("commit", "commit", None), {})
    (tmp_path / "_SUCCESS").touch()
    version = verify(tmp_path, every_checksum=True)
    assert (version.checksums, version.manifest["prompt"]) == (2, PROMPT)
