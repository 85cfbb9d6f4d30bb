"""Attempts that are told to stop, or stop by themselves, and processes that stop together."""

import signal
import socket
import time

from reader_of_versions import faults_of
from tiny import RUN_ID

VERSION, AREA = f"tiny-sql/{RUN_ID}", f"checkpoints/tiny-sql/{RUN_ID}"


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
    endless = {"MAX_STEPS": "100000", "CHECKPOINT_MINUTES": "60"}
    # It stops 90 s before. On a busy machine 2 s are too few for a first step.
    for limit in ("92", "100", "130"):
        bucket = tmp_path / f"bucket-{limit}"
        before = len(attempts.said())
        assert attempts.run(job(bucket, TASK_TIMEOUT_SECONDS=limit, **endless)) == 75
        said = attempts.said()[before:]
        assert "by its time limit (TASK_TIMEOUT_SECONDS)" in said
        if "step " in said:
            break
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
