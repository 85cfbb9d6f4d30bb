import json
from pathlib import Path

import pytest

from finetune.storage.location import storage_at
from finetune.training.checkpoints import COMPLETE, Checkpoints

INPUTS = {"base": "c0ffee", "LEARNING_RATE": 2e-4, "torch": "2.9.1"}
FILES = {"adapter.safetensors": bytes(range(256)), "state.json": b"{}\n"}


@pytest.fixture(params=["folder", "gs"])
def storage(request, tmp_path, cloud):
    where = str(tmp_path) if request.param == "folder" else "gs://models"
    return storage_at(f"{where}/checkpoints/tiny-sql/0123456789ab")


def checkpoints(storage, **changes):
    return Checkpoints(storage, {**INPUTS, **changes})


def steps(storage):
    return sorted({name.split("/")[0] for name in storage.files()})


def test_the_next_attempt_gets_the_newest_bytes_as_they_were(storage):
    first = checkpoints(storage)
    assert first.newest() is None
    first.save(9, {"state.json": b"old"})
    first.save(10, FILES)
    newest = checkpoints(storage).newest()
    assert (newest.step, newest.files) == (10, FILES)


def test_a_checkpoint_names_its_files_and_its_inputs_last_of_all(storage, cloud):
    checkpoints(storage).save(3, FILES)
    marker = json.loads(storage.read(f"step-3/{COMPLETE}"))
    stored = storage.files()
    for file in marker["files"]:
        assert stored[f"step-3/{file['name']}"].crc32c == file["crc32c"]
    assert marker["inputs"] == INPUTS
    if storage.uri.startswith("gs://"):
        assert cloud.writes[-1].endswith(f"step-3/{COMPLETE}")


def test_only_the_newest_two_are_kept_and_what_lies_beside_them_stays(storage):
    storage.write("attempt.json", "{}")
    attempt = checkpoints(storage)
    for step in (2, 4, 10, 12):
        attempt.save(step, FILES)
    assert steps(storage) == ["attempt.json", "step-10", "step-12"]
    attempt.remove()
    assert steps(storage) == ["attempt.json"]
    if not storage.uri.startswith("gs://"):
        assert [path.name for path in Path(storage.uri).iterdir()] == ["attempt.json"]


def test_fails_when_there_is_no_marker_and_goes_on_from_the_one_before(storage, capsys):
    attempt = checkpoints(storage)
    attempt.save(1, FILES)
    storage.write("step-2/adapter.safetensors", "half")
    assert checkpoints(storage).newest().step == 1
    assert "step-2 is not complete: removed" in capsys.readouterr().out
    assert steps(storage) == ["step-1"]


@pytest.mark.parametrize("damage", ["other bytes", "no file", "no JSON"])
def test_fails_when_a_file_differs_from_the_marker(storage, damage, capsys):
    attempt = checkpoints(storage)
    attempt.save(1, FILES)
    attempt.save(2, FILES)
    if damage == "no file":
        storage.delete(["step-2/state.json"])
    elif damage == "no JSON":
        storage.write(f"step-2/{COMPLETE}", "{")
    else:
        storage.write("step-2/state.json", "[]\n")
    assert checkpoints(storage).newest().step == 1
    assert steps(storage) == ["step-1"]


def test_fails_when_the_inputs_differ_and_says_which(storage, capsys):
    checkpoints(storage).save(5, FILES)
    other = checkpoints(storage, LEARNING_RATE=1e-3, peft="0.21")
    assert other.newest() is None
    out = capsys.readouterr().out
    assert "LEARNING_RATE was 0.0002 and is 0.001; peft was null and is" in out
    assert "training starts at the beginning" in out
    # It stays until there is a better one: somebody may have set the wrong variable.
    assert checkpoints(storage).newest().step == 5
    other.save(2, FILES)
    assert steps(storage) == ["step-2"]
    assert checkpoints(storage).newest() is None


def test_a_step_that_was_left_half_done_is_written_anew(storage):
    storage.write("step-4/best.safetensors", "of an attempt before")
    attempt = checkpoints(storage)
    attempt.save(4, FILES)
    assert sorted(storage.files()) == [f"step-4/{name}" for name in sorted([COMPLETE, *FILES])]


def test_the_first_comes_after_a_minute_and_the_others_when_they_are_asked_for(tmp_path):
    now = 1000.0
    attempt = Checkpoints(storage_at(str(tmp_path)), INPUTS, 300, clock=lambda: now)
    assert not attempt.due()
    now += 59
    assert not attempt.due()
    now += 2
    assert attempt.due()
    attempt.save(1, FILES)
    now += 299
    assert not attempt.due()
    now += 2
    assert attempt.due()


def test_a_compile_cache_is_kept_beside(storage):
    attempt = checkpoints(storage)
    assert attempt.compile_cache() is None
    attempt.save_compile_cache(b"\x00kernels")
    assert attempt.compile_cache() == b"\x00kernels"
    assert attempt.newest() is None
