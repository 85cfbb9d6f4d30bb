import json

import pytest
from tiny import RUN_ID, TRAINER, environment

from finetune.evaluation.promotion import judge
from finetune.evaluation.result import Evaluation
from finetune.settings import SettingsError, read_settings
from finetune.storage.location import storage_at
from finetune.verdict import (
    REJECTED,
    AlreadyDecided,
    BadInput,
    BelowBar,
    record_bad_input,
    record_bad_settings,
    record_rejection,
    require_undecided,
)

METRICS = {"exact_match": 0.4, "execution_match": None, "held_out_rows": 100, "scored_rows": 100}


@pytest.fixture
def area(tmp_path):
    return storage_at(str(tmp_path / "bucket/checkpoints/tiny-sql" / RUN_ID))


@pytest.fixture
def asked(tmp_path, set_environment):
    """Settings that ask for a bar, and whatever else is said."""

    def settings(metric="exact_match", minimum="0.7", must_beat="", **changes):
        set_environment(
            environment(
                "/base",
                "/data",
                tmp_path / "bucket",
                PROMOTION_METRIC=metric,
                PROMOTION_MINIMUM=minimum,
                PROMOTION_MUST_BEAT=must_beat,
                **changes,
            )
        )
        return read_settings()

    return settings


def reject(area, settings):
    with pytest.raises(BelowBar) as fault:
        judge(Evaluation(METRICS, []), settings)
    record_rejection(area, settings, fault.value, METRICS)


def test_a_rejection_says_bar_metrics_and_where_the_adapter_is(area, asked):
    reject(area, asked())
    verdict = json.loads(area.read(REJECTED))
    assert verdict.pop("created")
    assert verdict.pop("reason").startswith("exact_match is 0.4000 on 100 held-out rows")
    assert verdict == {
        "format": 1,
        "exit_code": 3,
        "run_id": RUN_ID,
        "trainer": TRAINER,
        "bar": {"metric": "exact_match", "minimum": 0.7, "must_beat": None},
        "metrics": METRICS,
        "adapter": f"{area.uri}/adapter",
    }


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"minimum": "0.9"},
        {"minimum": "0.41"},
        {"minimum": "0.9", "must_beat": "base"},
        {"metric": "execution_match", "minimum": "0.1"},  # could not be measured
    ],
)
def test_fails_when_an_earlier_attempt_fell_short_of_what_is_asked_for_now(area, asked, now):
    reject(area, asked())
    with pytest.raises(AlreadyDecided, match="an earlier attempt decided: exact_match is") as end:
        require_undecided(area, asked(**now))
    assert end.value.exit_code == 3


@pytest.mark.parametrize(
    "now",
    [
        {"minimum": "0.4"},
        {"minimum": ""},
        {"minimum": "", "must_beat": "base"},
        {"minimum": "0.3", "must_beat": "/models/other"},
        {"TRAINER_SOURCE_HASH": "000000000000"},
    ],
)
def test_a_rejection_is_no_verdict_on_a_lower_bar_or_another_trainer(area, asked, now):
    reject(area, asked())
    require_undecided(area, asked(**now))


def test_fails_when_data_and_settings_could_not_be_trained_on_whatever_the_bar_is(area, asked):
    record_bad_input(area, asked(), BadInput("no row is left to train on"))
    with pytest.raises(AlreadyDecided, match="no row is left to train on") as end:
        require_undecided(area, asked(minimum=""))
    assert end.value.exit_code == 2


def test_a_fault_in_variables_alone_does_not_bind_once_they_are_valid(area, asked):
    record_bad_input(area, asked(), BadInput("too short", {"TASK_TIMEOUT_SECONDS": "60"}))
    assert json.loads(area.read(REJECTED))["variables"] == {"TASK_TIMEOUT_SECONDS": "60"}
    require_undecided(area, asked())


@pytest.mark.parametrize("text", ["{", "[]", '"3"', "{}", '{"exit_code": 3}'])
def test_what_is_no_verdict_does_not_bind(area, asked, text):
    area.write(REJECTED, text)
    require_undecided(area, asked())


def test_an_environment_that_does_not_say_whose_verdict_it_is_leaves_none(area):
    error = SettingsError("RUN_ID: is not set", {"RUN_ID": None})
    record_bad_settings(error, {"CHECKPOINT_URI": area.uri, "TRAINER_SOURCE_HASH": TRAINER})
    assert not area.files()


@pytest.mark.parametrize(("minimum", "fails"), [("", False), ("0.4", False), ("0.41", True)])
def test_the_bar_is_what_the_metric_has_to_reach(asked, minimum, fails):
    settings = asked(minimum=minimum)
    if fails:
        with pytest.raises(BelowBar, match=r"asks for at least 0\.41"):
            judge(Evaluation(METRICS, []), settings)
    else:
        judge(Evaluation(METRICS, []), settings)


def test_fails_when_the_metric_could_not_be_measured(asked):
    with pytest.raises(BelowBar, match="execution_match could not be measured on 100"):
        judge(Evaluation(METRICS, []), asked("execution_match", "0"))
