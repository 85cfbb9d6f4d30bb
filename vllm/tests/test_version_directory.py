"""Which version directories are served, and what is said about the others."""

import errno
import json
import os
from pathlib import Path

import pytest

from serve import checksum
from serve import version_directory as reader
from serve.startup_error import StartupError
from serve.version_directory import verify_directory as verify
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
    assert version.content["run_id"] == "0123456789ab"
    assert (version.manifest.bytes, version.checksums) == (1025, 3)


def test_large_files_are_compared_by_size_alone_unless_every_checksum_is_asked_for(
    version_directory, monkeypatch
):
    monkeypatch.setattr(reader, "CHEAP_BYTES", 100)
    (version_directory / "model.safetensors").write_bytes(b"x" + bytes(999))
    assert verify(version_directory).checksums == 2
    assert "model.safetensors: expected crc32c" in refusal(version_directory, every_checksum=True)


def test_without_the_checksum_library_sizes_are_still_compared(version_directory, monkeypatch):
    monkeypatch.setattr(checksum, "google_crc32c", None)
    assert verify(version_directory).checksums == 0
    (version_directory / "config.json").write_bytes(b"{}")
    assert "config.json: expected 23 bytes, found 2;" in refusal(version_directory)


def test_a_folder_without_files_is_no_difference(version_directory):
    (version_directory / "empty" / "deeper").mkdir(parents=True)
    assert verify(version_directory).checksums == 3


def test_fails_when_a_file_is_beside_the_listed_ones(version_directory):
    (version_directory / "model-2.safetensors").write_bytes(bytes(7))
    message = refusal(version_directory)
    assert "model-2.safetensors: expected the files of the manifest alone, found this" in message


def test_fails_when_a_name_that_is_not_listed_would_break_the_line(version_directory):
    (version_directory / "two\nlines").touch()
    assert "two\\nlines: expected the files of the manifest alone" in refusal(version_directory)


@pytest.mark.parametrize("name", ["config.json", "adapter", "extra.safetensors", "_SUCCESS"])
def test_fails_when_a_link_stands_for_a_file_or_folder(version_directory, tmp_path, name):
    path = version_directory / name
    target = tmp_path / "elsewhere"
    path.rename(target) if path.exists() else target.touch()
    path.symlink_to(target)
    assert f"/{name}: expected a file, found a link;" in refusal(version_directory)


def test_fails_when_something_is_neither_file_nor_folder(version_directory):
    os.mkfifo(version_directory / "pipe")
    assert "/pipe: expected a file, found neither file nor folder" in refusal(version_directory)


@pytest.mark.parametrize(
    "name",
    [
        *["../model.safetensors", "/etc/passwd", "a/../../b", "a//b", "./a", "", ".", "a/"],
        *["a\\b", "line\nbreak", "\x00", "\udcff"],
    ],
)
def test_fails_when_a_name_leads_out_of_the_directory(version_directory, name):
    entry = {"name": name, "size": 1, "crc32c": "AAAAAA=="}
    rewrite_manifest(version_directory, files=[entry])
    message = refusal(version_directory)
    assert "manifest.json: expected names of files below this directory, found '" in message


@pytest.mark.parametrize("name", ["manifest.json", "_SUCCESS"])
def test_fails_when_the_manifest_lists_what_describes_it(version_directory, name):
    rewrite_manifest(version_directory, files=[{"name": name, "size": 1, "crc32c": "AAAAAA=="}])
    assert f"expected files beside {name}, found it listed" in refusal(version_directory)


@pytest.mark.parametrize(
    ("size", "crc32c"),
    [
        *[(-1, "AAAAAA=="), (10**30, "AAAAAA=="), (1, ""), (1, "AAAAAA")],
        pytest.param(1, "A" * 500, id="1-500 letters"),
    ],
)
def test_fails_when_a_size_or_a_checksum_cannot_be(version_directory, size, crc32c):
    rewrite_manifest(version_directory, files=[{"name": "a", "size": size, "crc32c": crc32c}])
    message = refusal(version_directory)
    assert "a: expected a size of at most 5 TiB and the base64 of four bytes, found" in message
    assert len(message) < 400


def test_fails_when_a_file_is_listed_twice(version_directory):
    files = json.loads((version_directory / "manifest.json").read_text())["files"]
    rewrite_manifest(version_directory, files=files + files[:1])
    assert "expected every file once, found 'adapter/" in refusal(version_directory)


def test_fails_when_nothing_that_vllm_could_load_is_listed(version_directory):
    files = json.loads((version_directory / "manifest.json").read_text())["files"]
    rewrite_manifest(version_directory, files=files[:2])
    message = refusal(version_directory)
    assert "expected config.json and *.safetensors among the files, found adapter/" in message


def test_fails_when_the_manifest_is_of_another_run(version_directory):
    rewrite_manifest(version_directory, run_id="ba9876543210")
    message = refusal(version_directory)
    assert "expected the manifest of run 0123456789ab, found 'ba9876543210'" in message


def test_fails_when_the_marker_holds_something(version_directory):
    (version_directory / "_SUCCESS").write_text("half a ma")
    assert "_SUCCESS: expected an empty file, found 9 bytes" in refusal(version_directory)


def test_fails_when_the_marker_is_a_folder(version_directory):
    (version_directory / "_SUCCESS").unlink()
    (version_directory / "_SUCCESS").mkdir()
    assert "_SUCCESS: expected the mark of a finished version" in refusal(version_directory)


def test_fails_when_the_manifest_is_larger_than_any(version_directory, monkeypatch):
    monkeypatch.setattr(reader, "LARGEST", 100)
    assert "manifest.json: expected at most 100 bytes, found" in refusal(version_directory)


def test_fails_when_the_mount_gives_no_answer(version_directory, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", f"{version_directory}/config.json")

    monkeypatch.setattr(checksum, "crc32c_of_all", broken)
    message = refusal(version_directory)
    assert message.endswith("/config.json: Input/output error; check the mounted volume")


def test_fails_when_every_checksum_is_asked_for_without_the_library(version_directory, monkeypatch):
    monkeypatch.setattr(checksum, "google_crc32c", None)
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


@pytest.mark.parametrize(
    "text",
    [
        *["{", "\x00", ""],
        pytest.param("[" * 5000, id="lists"),
        pytest.param('{"format": 1, "files": [{"size": ' + "9" * 5000 + "}]}", id="5000 digits"),
    ],
)
def test_fails_when_the_manifest_is_no_json(version_directory, text):
    (version_directory / "manifest.json").write_text(text)
    assert "manifest.json: expected JSON, found" in refusal(version_directory)


@pytest.mark.parametrize(
    ("found", "shown"), [(2, "2"), ("1", "'1'"), (None, "None"), (True, "True"), (1.0, "1.0")]
)
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
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    write_manifest(tmp_path, settings, Lineage("commit", "commit", None), {})
    (tmp_path / "_SUCCESS").touch()
    version = verify(tmp_path, every_checksum=True)
    assert (version.checksums, version.content["prompt"]) == (3, PROMPT)
