import json

import pytest
from tiny import environment

from finetune.evaluation.evaluation import Evaluation
from finetune.evaluation.incumbent import incumbent_for, published_evaluation
from finetune.evaluation.promotion import compare, judge
from finetune.evaluation.scoring import summary
from finetune.settings import read_settings
from finetune.verdict import BelowBar


def evaluation(right, hash_="h", metric="execution_match"):
    """Rows r0, r1, ... with the values of one metric, and their metrics."""
    rows = [{"id": f"r{number}", "answer": "", "execution": None, metric: value}
            for number, value in enumerate(right)]  # fmt: skip
    for row in rows:
        for name in ("parses", "exact_match", "normalized_match", "execution_match", "token_f1"):
            row.setdefault(name, None)
    more = {"held_out_rows": len(rows), "scored_rows": len(rows), "held_out_hash": hash_}
    return Evaluation({**summary(rows), **more}, rows)


@pytest.fixture
def settings(set_environment):
    def read(**changes):
        set_environment(environment("/base", "/data", "/bucket", **changes))
        return read_settings()

    return read


def test_without_a_bar_every_model_passes(settings):
    assert judge(evaluation([False]), settings()) == {
        "metric": "execution_match",
        "minimum": None,
        "must_beat": None,
    }


@pytest.mark.parametrize("metric", ["execution_match", "normalized_match", "exact_match"])
def test_the_minimum_is_compared_with_the_metric_that_is_named(settings, metric):
    named = settings(PROMOTION_METRIC=metric, PROMOTION_MINIMUM="0.75")
    judge(evaluation([True, True, True, False], metric=metric), named)
    with pytest.raises(BelowBar) as fault:
        judge(evaluation([True, True, False, False], metric=metric), named)
    assert fault.value.value == 0.5
    assert f"{metric} is 0.5000 (95 % interval 0.150 to 0.850)" in str(fault.value)
    assert "the promotion asks for at least 0.75" in str(fault.value)


def test_a_model_beats_another_on_rows_where_they_differ(settings):
    # 20 rows on which both are right say nothing; of the other 5 all are this model's.
    this, other = [True] * 25, [True] * 20 + [False] * 5
    record = judge(evaluation(this), settings(PROMOTION_MUST_BEAT="base"), evaluation(other))
    assert record["comparison"] == {
        "rows": 25, "this": 1.0, "other": 0.8, "better": 5, "worse": 0, "p": 0.03125,
    }  # fmt: skip


@pytest.mark.parametrize("better", [0, 1, 4])
def test_fails_when_a_model_is_not_better_beyond_chance(settings, better):
    this, other = [True] * 10, [True] * (10 - better) + [False] * better
    with pytest.raises(BelowBar) as fault:
        judge(evaluation(this), settings(PROMOTION_MUST_BEAT="base"), evaluation(other))
    message = str(fault.value)
    assert "1.0000 and that of the untrained base" in message
    assert f"this model is better on {better}, the other on 0" in message
    assert f"probability of {0.5**better:.3f}" in message
    assert "raise EVALUATION_ROWS" in message


def test_rows_that_only_one_model_answered_are_left_out(settings):
    this = evaluation([True, True, None, True])
    other = evaluation([False, None, True, True, True])
    compared = compare(this, other, "execution_match")
    assert (compared.rows, compared.better, compared.worse) == (2, 1, 0)


def test_of_token_f1_the_higher_one_counts(settings):
    this = evaluation([0.9, 0.5, 0.2, 1.0], metric="token_f1")
    other = evaluation([0.8, 0.5, 0.3, 0.1], metric="token_f1")
    compared = compare(this, other, "token_f1")
    assert (compared.better, compared.worse, compared.p) == (2, 1, 0.5)


@pytest.mark.parametrize("incumbent", [None, evaluation([None, None])])
def test_fails_when_there_is_nothing_to_compare_with(settings, incumbent):
    with pytest.raises(BelowBar, match="cannot be compared with base"):
        judge(evaluation([True]), settings(PROMOTION_MUST_BEAT="base"), incumbent)


def test_fails_when_the_metric_has_no_meaning_for_the_task(settings):
    with pytest.raises(BelowBar, match="could not be measured on 1 held-out rows"):
        judge(evaluation([None]), settings(PROMOTION_MINIMUM="0.5"))


def test_an_incumbent_judged_on_the_same_rows_is_not_run_again(settings, tmp_path):
    this = evaluation([True, False, True])
    published = evaluation([True, True, False])
    (tmp_path / "evaluation.json").write_text(json.dumps(published.as_json()), "utf-8")
    must_beat = settings(PROMOTION_MUST_BEAT=str(tmp_path))
    found = incumbent_for(must_beat, this, None, rescore=lambda _: pytest.fail("run again"))
    assert found == published


@pytest.mark.parametrize("kept", [None, "{}", "not JSON", "other rows"])
def test_an_incumbent_judged_on_other_rows_is_run_again(settings, tmp_path, kept):
    if kept == "other rows":
        kept = json.dumps(evaluation([True], hash_="other").as_json())
    if kept:
        (tmp_path / "evaluation.json").write_text(kept, "utf-8")
    again = evaluation([True])
    location = str(tmp_path)
    found = incumbent_for(
        settings(PROMOTION_MUST_BEAT=location),
        evaluation([True]),
        None,
        rescore=lambda where: again if where == location else None,
    )
    assert found is again


def test_the_incumbent_is_the_base_or_none_where_that_is_asked_for(settings):
    base, this = evaluation([False]), evaluation([True])
    assert incumbent_for(settings(), this, base, pytest.fail) is None
    assert incumbent_for(settings(PROMOTION_MUST_BEAT="base"), this, base, pytest.fail) is base


def test_an_evaluation_is_kept_as_it_is(tmp_path):
    kept = evaluation([True, None])
    (tmp_path / "evaluation.json").write_text(json.dumps(kept.as_json()), "utf-8")
    assert published_evaluation(str(tmp_path), None) == kept
