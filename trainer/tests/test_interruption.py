"""Whatever ends an attempt, and whenever: the next ones publish the same, and never half of it."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attempts_of_a_run import STEPS, STEPS_AN_EPOCH
from reader_of_versions import Reader, faults_of
from tiny import RUN_ID

from finetune.storage.checksum import crc32c_of

VERSION, AREA = f"tiny-sql/{RUN_ID}", f"checkpoints/tiny-sql/{RUN_ID}"
WEIGHTS = ("adapter/adapter_model.safetensors", "model.safetensors")


@pytest.fixture(scope="module")
def whole_run(attempts, job, tmp_path_factory):
    """The version directory of a run that nothing interrupted, and the seconds that it took."""
    bucket = tmp_path_factory.mktemp("uninterrupted")
    began = time.monotonic()
    assert attempts.run(job(bucket)) == 0, attempts.said()
    return bucket / VERSION, time.monotonic() - began


@pytest.fixture(scope="module")
def uninterrupted(whole_run):
    return whole_run[0]


@pytest.fixture(scope="module")
def a_while(whole_run):
    """Seconds after which an attempt is in the midst of it, on a slow machine as on a fast one."""

    def seconds(chance):
        return chance.uniform(0.05, 0.6) * whole_run[1]

    return seconds


def same_weights(version: Path, other: Path) -> bool:
    return all((version / name).read_bytes() == (other / name).read_bytes() for name in WEIGHTS)


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
    attempts, job, uninterrupted, a_while, tmp_path
):
    bucket, chance = tmp_path / "bucket", random.Random(75)
    reader = Reader(bucket / VERSION)
    reader.start()
    for _ in range(6):
        attempts.ended_by(signal.SIGKILL, job(bucket), lambda: False, seconds=a_while(chance))
    assert attempts.run(job(bucket)) == 0, attempts.said()
    assert reader.stop() == []
    assert faults_of(bucket / VERSION) == []
    assert same_weights(bucket / VERSION, uninterrupted)


def test_kill_9_at_any_time_leaves_no_half_version_in_a_bucket_either(
    attempts, job, uninterrupted, a_while, cloud
):
    write, published = cloud.put, []

    def checked(bucket, name, data, create):
        if name == f"{VERSION}/_SUCCESS":
            published.append(cloud.below("models", f"{VERSION}/"))
        return write(bucket, name, data, create)

    cloud.put, chance = checked, random.Random(3)
    asked = job("gs://models") | {"STORAGE_EMULATOR_HOST": cloud.url}
    for _ in range(4):
        attempts.ended_by(signal.SIGKILL, asked, lambda: False, seconds=a_while(chance))
    assert attempts.run(asked) == 0, attempts.said()
    version = published[0]
    for file in json.loads(version["manifest.json"])["files"]:
        assert file["crc32c"] == crc32c_of(version[file["name"]])
    for name in WEIGHTS:
        assert version[name] == (uninterrupted / name).read_bytes()
    assert not [name for name in cloud.below("models", f"{AREA}/") if name.startswith("step-")]


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


def test_the_command_itself_can_be_killed_and_gone_on_with(attempts, job, uninterrupted, tmp_path):
    bucket = tmp_path / "bucket"
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune"], env=job(bucket), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "rows in" in line:
            process.kill()
    assert process.wait() == -signal.SIGKILL
    assert attempts.run(job(bucket)) == 0
    assert same_weights(bucket / VERSION, uninterrupted)
