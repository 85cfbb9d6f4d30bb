"""What goes wrong ends with one line that says what to do, and with the right exit code."""

import errno
import json
import os
from collections import namedtuple

import pytest
from tiny import RUN_ID, environment, rows, write_jsonl

from finetune.__main__ import main

VERSION, AREA = f"tiny-sql/{RUN_ID}", f"checkpoints/tiny-sql/{RUN_ID}"


@pytest.fixture
def dataset(tmp_path):
    return write_jsonl(tmp_path / "data" / "train.jsonl", rows()).parent


@pytest.fixture
def bucket(tmp_path):
    return tmp_path / "bucket"


@pytest.fixture
def job(bases, dataset, bucket, set_environment):
    """Sets a job's environment."""

    def set_job(**changes):
        return set_environment(environment(bases["llama"], dataset, bucket, **changes))

    return set_job


@pytest.fixture
def before_torch(without_torch):
    """Exit code and last words of a run that ends before it imports torch."""

    def run(variables):
        ended = without_torch({**os.environ, **variables})
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.returncode, ended.stderr

    return run


def verdict(bucket):
    path = bucket / AREA / "_REJECTED"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def last_line(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"START_ADAPTER": "/no/adapter"}, "START_ADAPTER=/no/adapter"),
        ({"PROMOTION_MUST_BEAT": "/no/version"}, "PROMOTION_MUST_BEAT=/no/version is not"),
        ({"MODEL_NAME": "/no/base"}, "MODEL_NAME=/no/base"),
    ],
)
def test_fails_when_something_is_not_there_before_torch_and_without_a_verdict(
    job, bucket, before_torch, changes, message
):
    code, said = before_torch(job(**changes))
    assert code == 1 and message in said
    assert verdict(bucket) is None


def test_fails_when_the_bucket_may_not_be_written_before_torch(bases, dataset, cloud, before_torch):
    cloud.refuse_writes_after = 0
    code, said = before_torch(environment(bases["llama"], dataset, "gs://models"))
    assert code == 1
    assert "on the bucket models" in said and "roles/storage.objectUser" in said


def test_fails_when_the_time_limit_leaves_no_time_with_a_verdict_that_can_be_mended(
    job, bucket, before_torch
):
    code, said = before_torch(job(TASK_TIMEOUT_SECONDS="60"))
    assert code == 2 and "TASK_TIMEOUT_SECONDS=60 leaves no time to train" in said
    assert verdict(bucket)["variables"] == {"TASK_TIMEOUT_SECONDS": "60"}


def test_fails_when_the_base_does_not_fit_onto_the_disk(
    bases, dataset, cloud, set_environment, monkeypatch, capsys
):
    for path in bases["llama"].iterdir():
        cloud.objects["models", f"bases/tiny/{path.name}"] = path.read_bytes()
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr("finetune.preflight.shutil.disk_usage", lambda _: usage)
    set_environment(environment("gs://models/bases/tiny", dataset, "gs://models"))
    assert main() == 1
    line = last_line(capsys)
    assert "MODEL_NAME=gs://models/bases/tiny takes" in line and "0.0 GB free" in line
    assert not cloud.below("models", f"{AREA}/_REJECTED")


def test_fails_when_what_the_hub_says_of_a_base_is_more_than_the_disk_has(job, monkeypatch, capsys):
    File, Info = namedtuple("File", "rfilename size"), namedtuple("Info", "siblings sha")
    files = [File("model.safetensors", 5 * 10**9), File("original/model.safetensors", 10**12)]
    asked = []

    def model_info(_, name, revision, files_metadata):
        asked.append((name, revision))
        return Info(files, "c0ffee")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    usage = namedtuple("usage", "total used free")(10**10, 10**9, 6 * 10**9)
    monkeypatch.setattr("finetune.preflight.shutil.disk_usage", lambda _: usage)
    job(MODEL_NAME="owner/model", MODEL_REVISION="v1")
    assert main() == 1
    line = last_line(capsys)
    assert asked == [("owner/model", "v1")]
    assert "owner/model takes 5.0 GB and the work on it up to 3.2 GB more" in line


def test_fails_when_the_disk_is_full_in_the_midst_of_it_without_a_verdict(
    job, bucket, monkeypatch, capsys
):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.safetensors")

    monkeypatch.setattr("finetune.publishing.merging.write_shard", full)
    job()
    assert main() == 1
    line = last_line(capsys)
    assert "no space is left in the merging: No space left on device (model.safetensors)" in line
    assert "next attempt trains and evaluates nothing" in line
    assert verdict(bucket) is None


@pytest.mark.parametrize(
    ("lines", "changes", "message"),
    [
        ([], {}, "has no row in split train"),
        (rows(), {"DATASET_SPLIT": "test"}, "DATASET_SPLIT=test"),
        (rows(), {"DATASET_COLUMNS": '{"question": "q", "answer": "a", "context": "c"}'}, " q"),
    ],
)
def test_fails_when_the_rows_are_at_fault_before_torch_and_with_a_verdict(
    job, bucket, before_torch, tmp_path, lines, changes, message
):
    write_jsonl(tmp_path / "data" / "train.jsonl", lines)
    code, said = before_torch(job(**changes))
    assert code == 2 and message in said
    assert message in verdict(bucket)["reason"]


def test_fails_when_the_loss_is_no_number_and_keeps_the_last_good_checkpoint(
    job, bucket, monkeypatch, capsys
):
    from finetune.training.outcome import Record

    note_step = Record.note_step

    def note_no_number(self, loss, norm):
        note_step(self, float("nan") if len(self.losses) == 4 else loss, norm)

    monkeypatch.setattr(Record, "note_step", note_no_number)
    job(MAX_STEPS="8", CHECKPOINT_MINUTES="0.000001")
    assert main() == 2
    assert "the loss became nan at step 5: choose a smaller LEARNING_RATE" in last_line(capsys)
    assert verdict(bucket)["exit_code"] == 2
    assert (bucket / AREA / "step-4/_COMPLETE").is_file()
    assert not (bucket / AREA / "step-5").exists()


def test_fails_when_the_gpu_is_too_small_in_one_line_that_says_what_to_change(
    job, bucket, monkeypatch, capsys
):
    import torch

    import finetune.phases.training

    def too_large(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr(finetune.phases.training, "load", too_large)
    job()
    assert main() == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "set BASE_PRECISION=nf4 or a smaller MAX_SEQ_LENGTH" in said
    assert verdict(bucket) is None


def test_fails_when_something_unexpected_happens_and_says_where_and_what_comes_next(
    job, bucket, monkeypatch, capsys
):
    import finetune.phases.evaluation

    def broken(*_, **__):
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(finetune.phases.evaluation, "evaluate_model", broken)
    job()
    assert main() == 1
    said = capsys.readouterr().err
    assert "Traceback" in said and "RuntimeError: what nobody thought of" in said
    assert said.strip().splitlines()[-1] == (
        "error: unexpected RuntimeError in the evaluation (see above). "
        "The next attempt trains nothing and starts with the evaluation"
    )
    assert verdict(bucket) is None


def test_fails_when_a_published_file_does_not_match_the_manifest(job, bucket, before_torch):
    variables = job()
    assert main() == 0
    (bucket / VERSION / "config.json").write_text("{}")
    code, said = before_torch(variables)
    assert code == 1
    assert "config.json is missing or differs from manifest.json" in said
