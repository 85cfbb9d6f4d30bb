import re

import pytest

from finetune.storage.checksum import stored_file
from finetune.storage.location import storage_at
from finetune.storage.storage import AlreadyThere, StorageFailure, StoredFile


@pytest.fixture
def storage(cloud):
    return storage_at("gs://models/area")


def test_what_is_written_is_listed_with_its_checksum_and_read_again(storage, tmp_path):
    storage.write_bytes({"a.json": b"{}", "below/b.bin": b"\x00\r\n\xff"})
    assert storage.read("a.json") == "{}"
    assert storage.below("below").read_bytes("b.bin") == b"\x00\r\n\xff"
    storage.download(["below/b.bin"], tmp_path)
    assert storage.files()["below/b.bin"] == stored_file(tmp_path / "below/b.bin")
    storage.delete(["a.json", "never.there"])
    assert storage.files().keys() == {"below/b.bin"}
    assert storage.read("a.json") is None


def test_a_file_too_large_for_one_request_arrives_whole(storage, tmp_path):
    (tmp_path / "large.safetensors").write_bytes(bytes(range(256)) * 40_000)  # 10 MB
    storage.upload(tmp_path, ["large.safetensors"])
    expected = stored_file(tmp_path / "large.safetensors")
    assert storage.files() == {"large.safetensors": expected}


def test_a_create_whose_answer_was_lost_is_retried_and_succeeds(cloud, storage):
    cloud.lost_answers = 1
    storage.create("manifest.json", "{}")
    assert cloud.writes == ["area/manifest.json"]
    assert storage.read("manifest.json") == "{}"


def test_a_copy_whose_answer_was_lost_is_retried_and_succeeds(cloud, storage):
    storage.write("staging/a", "text")
    cloud.lost_answers = 1
    output = storage_at("gs://models/version")
    output.copy_from(storage.below("staging"), storage.below("staging").files())
    assert output.read("a") == "text"


def test_files_of_a_folder_are_created_in_a_bucket_and_the_other_way_round(storage, tmp_path):
    folder = storage_at(str(tmp_path / "folder"))
    folder.write("a", "text")
    storage.copy_from(folder, folder.files())
    back = storage_at(str(tmp_path / "back"))
    back.copy_from(storage, storage.files())
    assert back.files() == storage.files() == folder.files()


def test_fails_when_a_copy_would_overwrite_other_bytes(storage):
    storage.write_bytes({"staging/a": b"new", "version/a": b"old"})
    staging, version = storage.below("staging"), storage.below("version")
    with pytest.raises(AlreadyThere, match="gs://models/area/version/a exists with other bytes"):
        version.copy_from(staging, staging.files())
    assert version.read("a") == "old"


def test_fails_when_what_was_staged_changed_before_it_was_copied(storage):
    storage.write("staging/a", "damaged")
    with pytest.raises(AlreadyThere, match="other bytes"):
        storage.below("version").copy_from(storage.below("staging"), {"a": StoredFile(1, "x")})


@pytest.mark.parametrize(
    ("method", "tried", "role", "attempt"),
    [
        ("GET", "list", "objectViewer", lambda storage, _: storage.files()),
        ("GET", "read", "objectViewer", lambda storage, _: storage.read("a")),
        ("GET", "read", "objectViewer", lambda storage, to: storage.download(["a"], to)),
        ("POST", "write", "objectUser", lambda storage, _: storage.write("a", "")),
        ("POST", "write", "objectUser", lambda storage, of: storage.upload(of, ["local"])),
        ("POST", "create", "objectCreator", lambda storage, _: storage.create("a", "")),
        ("POST", "create", "objectCreator", lambda it, _: it.copy_from(it, {"a": 0})),
        ("DELETE", "delete", "objectUser", lambda storage, _: storage.delete(["a"])),
    ],
)  # fmt: skip
def test_fails_when_a_permission_is_missing_and_names_the_role(
    cloud, storage, tmp_path, method, tried, role, attempt
):
    (tmp_path / "local").write_text("text")
    cloud.refused = {method}
    with pytest.raises(StorageFailure) as failure:
        attempt(storage, tmp_path)
    line = str(failure.value)
    assert re.match(f"may not {tried} gs://models/area", line) and "\n" not in line
    assert f"roles/storage.{role}" in line and "on the bucket models" in line


def test_fails_when_the_bucket_does_not_exist(cloud, storage):
    cloud.missing = {"models"}
    with pytest.raises(StorageFailure, match="could not list .* the bucket models, .* not exist"):
        storage.files()
    with pytest.raises(StorageFailure, match="could not write gs://models/area"):
        storage.write("a", "")


def test_fails_when_there_are_no_credentials(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(StorageFailure, match="there are no Google Cloud credentials here"):
        storage_at("gs://models/area")
