import os

import pytest

from finetune.storage.folder import Folder
from finetune.storage.storage import AlreadyThere, StoredFile


def test_what_is_written_is_listed_read_again_and_deleted(tmp_path):
    folder = Folder(tmp_path)
    folder.write_bytes({"a": b"1", "below/b": b"\x00\r\n"})
    assert folder.files().keys() == {"a", "below/b"}
    assert folder.below("below").read_bytes("b") == b"\x00\r\n"
    folder.delete(["a", "never.there"])
    assert folder.read("a") is None


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_directory_after(
    tmp_path, monkeypatch
):
    events, fsync, replace = [], os.fsync, os.replace

    def noted_fsync(descriptor):
        events.append(os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(str(tmp_path)))
        fsync(descriptor)

    def noted_replace(source, target):
        events.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    Folder(tmp_path).write("model/run/_SUCCESS", "")
    assert events == ["", "/model", "/model/run/_SUCCESS.partial", "replace", "/model/run"]


def test_a_copy_that_is_interrupted_leaves_nothing_a_reader_would_take(tmp_path, monkeypatch):
    source, target = Folder(tmp_path / "source"), Folder(tmp_path / "target")
    source.write("a", "text")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        target.copy_from(source, source.files())
    assert list((tmp_path / "target").iterdir()) == []


def test_fails_when_a_copy_would_overwrite_other_bytes(tmp_path):
    source, target = Folder(tmp_path / "source"), Folder(tmp_path / "target")
    source.write("a", "new")
    target.write("a", "old")
    with pytest.raises(AlreadyThere, match="exists with other bytes"):
        target.copy_from(source, source.files())
    assert target.read("a") == "old"


def test_fails_when_what_is_copied_is_not_what_the_manifest_says(tmp_path):
    source, target = Folder(tmp_path / "source"), Folder(tmp_path / "target")
    source.write("a", "damaged")
    with pytest.raises(OSError, match="changed while it was copied"):
        target.copy_from(source, {"a": StoredFile(1, "x")})
    assert target.files() == {}


def test_fails_when_the_disk_is_full_and_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Folder(tmp_path).write("a", "text")
    assert Folder(tmp_path).files() == {} and list(tmp_path.iterdir()) == []
