"""Whatever ends an attempt, and whenever: the next ones publish the same, and never half of it."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest
from attempts_of_a_run import Attempts
from tiny import RUN_ID, environment, rows, write_jsonl

from finetune.storage.checksum import stored_file

VERSION, AREA = f"tiny-sql/{RUN_ID}", f"checkpoints/tiny-sql/{RUN_ID}"
STEPS_AN_EPOCH, STEPS = 4, 12
NEVER = "0.000001"  # minutes between checkpoints: one after every step


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", rows()).parent


@pytest.fixture(scope="module")
def attempts(tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "log"
    attempts = Attempts(log)
    yield attempts
    attempts.close()


@pytest.fixture(scope="module")
def job(bases, dataset):
    """The environment of a run of three epochs with four steps each, dropout on."""

    def variables(bucket: Path, **changes: str) -> dict[str, str]:
        settings = {
            "DATASET_LIMIT": str(2 * STEPS_AN_EPOCH),
            "MAX_STEPS": "-1",
            "NUM_TRAIN_EPOCHS": "3",
            "LORA_DROPOUT": "0.1",
            "CHECKPOINT_MINUTES": NEVER,
            **changes,
        }
        return {**os.environ, **environment(bases["llama"], dataset, bucket, **settings)}

    return variables


@pytest.fixture(scope="module")
def uninterrupted(attempts, job, tmp_path_factory):
    """The version directory of a run that nothing interrupted."""
    bucket = tmp_path_factory.mktemp("uninterrupted")
    assert attempts.run(job(bucket)) == 0, attempts.said()
    return bucket / VERSION


class Reader(Thread):
    """Looks at the version all the time, as servers do; `faults` are halves that it would take."""

    def __init__(self, version: Path) -> None:
        super().__init__(daemon=True)
        self.version, self.faults, self.looks = version, list[str](), 0
        self._done = Event()

    def run(self) -> None:
        while not self._done.wait(0.001):
            self.looks += 1
            if (self.version / "_SUCCESS").exists():
                self.faults += faults_of(self.version)

    def stop(self) -> list[str]:
        self._done.set()
        self.join()
        return self.faults


def faults_of(version: Path) -> list[str]:
    """Files of a published version that are missing or differ from its manifest."""
    try:
        manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [f"manifest.json: {error}"]
    faults = []
    for file in manifest["files"]:
        path = version / file["name"]
        stored = stored_file(path) if path.is_file() else None
        if stored is None or (stored.size, stored.crc32c) != (file["size"], file["crc32c"]):
            faults.append(file["name"])
    return faults


def same_weights(version: Path, other: Path) -> bool:
    return all(
        (version / name).read_bytes() == (other / name).read_bytes()
        for name in ("adapter/adapter_model.safetensors", "model.safetensors")
    )


def checkpointed(area: Path, step: int):
    """Whether training has come to this step."""
    return lambda: any(
        int(path.parent.name.removeprefix("step-")) >= step
        for path in area.glob("step-*/_COMPLETE")
    )


def test_kill_9_in_every_phase_ends_published_with_the_weights_of_an_uninterrupted_run(
    attempts, job, uninterrupted, tmp_path
):
    bucket, chance = tmp_path / "bucket", random.Random(4)
    area, version = bucket / AREA, bucket / VERSION
    boundary = STEPS_AN_EPOCH * chance.randint(1, 2)
    others = chance.sample([step for step in range(1, STEPS) if step != boundary], 2)
    moments = {
        "the rows are read": lambda: "rows to train on" in attempts.said()[before:],
        **{f"step {s} is kept": checkpointed(area, s) for s in sorted([boundary, *others])},
        "it is trained": (area / "_TRAINED").exists,
        "it is evaluated": (area / "_EVALUATED").exists,
        "a shard is staged": (area / "staging/model.safetensors").exists,
        "it is staged": (area / "staging/manifest.json").exists,
        "it is half published": lambda: version.is_dir() and len(list(version.iterdir())) > 2,
    }
    reader = Reader(version)
    reader.start()
    codes = {}
    for name, moment in moments.items():
        before = len(attempts.said())
        codes[name] = attempts.ended_by(signal.SIGKILL, job(bucket), moment)
    killed = [name for name, code in codes.items() if code == -signal.SIGKILL]
    assert set(codes.values()) <= {-signal.SIGKILL, 0}, attempts.said()
    # The last phases take milliseconds here: an attempt may be through before it is killed.
    assert len(killed) >= len(moments) - 2
    assert attempts.run(job(bucket)) == 0, attempts.said()
    assert reader.stop() == [] and reader.looks > 100
    assert faults_of(version) == []
    assert same_weights(version, uninterrupted)


def test_kill_9_at_any_time_ends_published_with_the_weights_of_an_uninterrupted_run(
    attempts, job, uninterrupted, tmp_path
):
    bucket, chance = tmp_path / "bucket", random.Random(75)
    reader = Reader(bucket / VERSION)
    reader.start()
    for _ in range(6):
        attempts.ended_by(
            signal.SIGKILL, job(bucket), lambda: False, seconds=chance.uniform(0.1, 1.5)
        )
    assert attempts.run(job(bucket)) == 0, attempts.said()
    assert reader.stop() == []
    assert faults_of(bucket / VERSION) == []
    assert same_weights(bucket / VERSION, uninterrupted)


def test_no_phase_is_repeated(attempts, job, uninterrupted, tmp_path):
    bucket = tmp_path / "bucket"
    area = bucket / AREA
    before = len(attempts.said())
    assert attempts.ended_by(signal.SIGTERM, job(bucket), (area / "_TRAINED").exists) == 75
    attempts.ended_by(signal.SIGKILL, job(bucket), (area / "_EVALUATED").exists)
    assert attempts.run(job(bucket)) == 0
    said = attempts.said()[before:]
    assert said.count(f"step {STEPS} of {STEPS}") == 1
    assert said.count("metrics {") == 1
    assert not list(area.glob("step-*/*"))


def test_a_termination_keeps_the_step_and_another_attempt_goes_on(attempts, job, tmp_path):
    bucket = tmp_path / "bucket"
    endless = job(bucket, MAX_STEPS="100000", LOGGING_STEPS="3", CHECKPOINT_MINUTES="60")
    endless |= {"CLOUD_RUN_EXECUTION": "execution-1"}
    for number in range(2):
        before = len(attempts.said())
        started = []

        def learning(before=before, started=started):
            lines = attempts.said()[before:].count(" of 100000, loss")
            if lines > 1 and not started:
                started.append(time.monotonic())
            return bool(started)

        endless["CLOUD_RUN_TASK_ATTEMPT"] = str(number)
        assert attempts.ended_by(signal.SIGTERM, endless, learning) == 75
        assert time.monotonic() - started[0] < 10  # what Cloud Run leaves before it kills
        said = attempts.said()[before:]
        assert "interrupted in the training by SIGTERM" in said
        assert ("going on from its checkpoint" in said) == (number == 1)
    assert not (bucket / VERSION).exists()


def test_an_attempt_stops_by_itself_before_its_time_limit(attempts, job, tmp_path):
    bucket = tmp_path / "bucket"
    limited = job(bucket, MAX_STEPS="100000", TASK_TIMEOUT_SECONDS="92", CHECKPOINT_MINUTES="60")
    before = len(attempts.said())
    assert attempts.run(limited) == 75
    assert "by its time limit (TASK_TIMEOUT_SECONDS)" in attempts.said()[before:]
    assert list((bucket / AREA).glob("step-*/_COMPLETE"))


def test_fails_when_an_attempt_would_begin_where_the_last_one_was_killed(attempts, job, tmp_path):
    bucket = tmp_path / "bucket"
    asked = job(bucket, CHECKPOINT_MINUTES="60") | {"CLOUD_RUN_EXECUTION": "execution-1"}
    note = bucket / AREA / "attempt.json"
    assert attempts.ended_by(signal.SIGKILL, asked, note.exists) == -signal.SIGKILL
    before = len(attempts.said())
    assert attempts.run(asked | {"CLOUD_RUN_TASK_ATTEMPT": "1"}) == 1
    said = attempts.said()[before:]
    assert "attempt 0 of execution-1 ended in the training" in said and "Likely causes" in said
    # Somebody who starts the job again has changed something, or wants to see it once more.
    assert attempts.run(asked | {"CLOUD_RUN_EXECUTION": "execution-2"}) == 0


def test_the_command_itself_can_be_killed_and_gone_on_with(attempts, job, uninterrupted, tmp_path):
    bucket = tmp_path / "bucket"
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune"], env=job(bucket), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "rows to train on" in line:
            process.kill()
    assert process.wait() == -signal.SIGKILL
    assert attempts.run(job(bucket)) == 0
    assert same_weights(bucket / VERSION, uninterrupted)


def test_of_several_processes_one_publishes_and_all_end_as_it_does(attempts, job, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def processes(**changes):
        torchrun = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        together = job(bucket, MAX_STEPS="4", **changes) | torchrun
        return [together | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]

    bucket = tmp_path / "bucket"
    before = len(attempts.said())
    assert attempts.run_together(processes()) == [0, 0], attempts.said()[before:]
    said = attempts.said()[before:]
    assert said.count("step 4 of 4") == said.count("published ") == 1
    assert faults_of(bucket / VERSION) == []
    assert attempts.run_together(processes()) == [0, 0]
    bucket = tmp_path / "below the bar"
    assert attempts.run_together(processes(PROMOTION_MINIMUM="1")) == [3, 3]
