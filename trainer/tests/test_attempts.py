import json

import pytest

from finetune.phases.attempts import (
    EVALUATION,
    MERGING,
    NOTE,
    PREPARATION,
    TRAINING,
    Attempt,
    NoProgress,
)
from finetune.storage.location import storage_at


@pytest.fixture
def area(tmp_path):
    return storage_at(str(tmp_path / "area"))


@pytest.fixture
def attempt(area, monkeypatch):
    """The attempt of a number in an execution of Cloud Run."""

    def numbered(number: int, execution: str = "execution-1") -> Attempt:
        monkeypatch.setenv("CLOUD_RUN_EXECUTION", execution)
        monkeypatch.setenv("CLOUD_RUN_TASK_ATTEMPT", str(number))
        return Attempt(area)

    return numbered


def test_an_attempt_notes_where_it_begins_and_where_it_stands(attempt, area):
    first = attempt(0)
    assert first.phase == PREPARATION
    first.begin(TRAINING, 40)
    first.begin(EVALUATION)
    assert first.phase == EVALUATION
    assert json.loads(area.read(NOTE)) == {
        "execution": "execution-1",
        "attempt": 0,
        "began": [TRAINING, 40],
        "phase": EVALUATION,
        "step": 0,
    }


def test_fails_when_the_last_attempt_began_at_the_same_place_and_came_no_further(attempt):
    attempt(0).begin(TRAINING, 40)
    with pytest.raises(NoProgress, match="attempt 0 of execution-1 ended in the training.*step 40"):
        attempt(1).begin(TRAINING, 40)
    attempt(1).begin(TRAINING, 41)


def test_an_attempt_that_came_further_before_it_ended_made_progress(attempt):
    first = attempt(0)
    first.begin(TRAINING)
    first.begin(EVALUATION)
    attempt(1).begin(EVALUATION)
    with pytest.raises(NoProgress, match="EVALUATION_SECONDS"):
        attempt(2).begin(EVALUATION)


def test_an_attempt_may_go_through_a_phase_that_another_began(attempt):
    attempt(0).begin(MERGING)
    second = attempt(1)
    second.begin(TRAINING)
    second.begin(MERGING)


def test_a_termination_by_the_platform_says_nothing_about_the_work(attempt):
    first = attempt(0)
    first.begin(TRAINING)
    first.told_to_stop()
    attempt(1).begin(TRAINING)


@pytest.mark.parametrize(
    ("number", "execution"), [(0, "execution-1"), (1, "execution-2"), (0, "execution-2")]
)
def test_the_first_attempt_of_an_execution_always_tries(attempt, number, execution):
    attempt(0).begin(TRAINING)
    attempt(number, execution).begin(TRAINING)


@pytest.mark.parametrize("note", ["{", "[]", "{}"])
def test_a_note_that_cannot_be_read_stops_nobody(attempt, area, note):
    area.write(NOTE, note)
    attempt(1).begin(TRAINING)


def test_outside_of_cloud_run_nothing_is_noted(area, monkeypatch):
    monkeypatch.delenv("CLOUD_RUN_EXECUTION", raising=False)
    Attempt(area).begin(TRAINING)
    Attempt(area).told_to_stop()
    assert not area.files()
