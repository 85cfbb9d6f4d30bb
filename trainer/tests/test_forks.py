"""The processes that other tests start."""

import time

from forks import Asked, runs


def endless() -> int:
    time.sleep(600)
    return 1


def at_once() -> int:
    return 7


def test_processes_of_a_test_that_failed_end_and_answer_no_other(forks, tmp_path):
    log = str(tmp_path / "log")
    (left,) = forks.start([Asked(endless, {}, log, log)])

    forks.start([Asked(at_once, {}, log, log)])

    assert forks.codes() == [7]
    assert not runs(left)
