import os
import signal
import time

import pytest

from finetune.training.deadline import RESERVE, Deadline
from finetune.verdict import BadInput, Interrupted


@pytest.fixture(autouse=True)
def _no_timer_is_left():
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_without_a_limit_it_is_never_reached():
    assert not Deadline().reached()
    assert Deadline().seconds_left() == float("inf")


def test_it_is_reached_90_seconds_before_the_limit_counted_from_the_start_of_the_process():
    now = time.monotonic()
    assert not Deadline(3600, started=now - 3600 + RESERVE + 5).reached()
    deadline = Deadline(3600, started=now - 3600 + RESERVE - 1)
    assert deadline.reached()
    assert "TASK_TIMEOUT_SECONDS" in deadline.reason()


@pytest.mark.parametrize("limit", [1, 90])
def test_fails_when_the_limit_leaves_no_time_to_train_and_names_the_variable(limit, monkeypatch):
    monkeypatch.setenv("TASK_TIMEOUT_SECONDS", str(limit))
    with pytest.raises(BadInput, match=f"TASK_TIMEOUT_SECONDS={limit} leaves no time") as fault:
        Deadline(limit).require_time()
    assert fault.value.variables == {"TASK_TIMEOUT_SECONDS": str(limit)}


def test_a_termination_while_training_waits_for_the_end_of_the_step():
    deadline = Deadline()
    deadline.watch()
    with pytest.raises(Interrupted), deadline.between_steps():
        assert not deadline.reached()
        os.kill(os.getpid(), signal.SIGTERM)
        assert deadline.reached() and deadline.reason() == "SIGTERM"
        kept = True
    assert kept


def test_a_termination_outside_of_training_stops_at_once():
    deadline = Deadline()
    deadline.watch()
    with pytest.raises(Interrupted) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert stop.value.code == 75


def test_what_runs_into_the_limit_outside_of_training_is_stopped_before_the_platform_does():
    deadline = Deadline(100, started=time.monotonic() - 89.8)
    started = time.monotonic()
    deadline.watch()
    with pytest.raises(Interrupted):
        time.sleep(5)
    assert time.monotonic() - started < 2
