"""Whether a trained model is good enough to be published: the bar of PROMOTION_*."""

from dataclasses import dataclass
from typing import Any

from finetune.evaluation.mcnemar import mcnemar_p
from finetune.evaluation.result import Evaluation
from finetune.settings import Settings
from finetune.verdict import BelowBar

# The largest chance of luck that counts as better.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """
    Two models on the same rows: the mean of a metric for each, the numbers of rows on which this
    one is `better` and `worse`, and the chance `p` that equally good models would differ so.
    """

    rows: int
    this: float
    other: float
    better: int
    worse: int
    p: float


def judge(
    evaluation: Evaluation, settings: Settings, incumbent: Evaluation | None = None
) -> dict[str, Any]:
    """
    Holds a model against PROMOTION_MINIMUM and PROMOTION_MUST_BEAT, by PROMOTION_METRIC.

    The minimum is compared with the metric itself: its mean over the rows that have it, not an end
    of its interval. To beat another model takes more than a higher mean: of the rows that both
    models answered, those on which they are equally right are left aside, and of the others this
    model has to be right on so many that a fair coin would give as many with a probability of at
    most 0.05 (exact McNemar test, one-sided). With token_f1, a row counts for the model whose F1 is
    higher (the exact sign test). Five rows to none suffice, four to none do not.

    Args:
        evaluation: of the trained model, on all held-out rows or as many as time allowed.
        incumbent: of the model to beat, on the same rows; see `incumbent_for`.

    Returns:
        What metrics.json records under `promotion`: the bar, and the comparison if there was one.

    Raises:
        BelowBar: with both scores, the rows on which the two differ, p, and what can be done.
    """
    metric, minimum = settings.promotion_metric, settings.promotion_minimum
    value = evaluation.metrics.get(metric)
    measured = f"{metric} {_described(evaluation.metrics, metric)}"
    if minimum is not None and (value is None or value < minimum):
        raise BelowBar(
            f"{measured}; the promotion asks for at least {minimum:g}. Train on more rows or for "
            "longer, choose another base, or lower PROMOTION_MINIMUM: the model is then judged "
            "again without being trained",
            value,
        )
    record: dict[str, Any] = {"metric": metric, "minimum": minimum}
    must_beat = settings.promotion_must_beat
    record["must_beat"] = must_beat
    if must_beat is None:
        return record
    comparison = incumbent and compare(evaluation, incumbent, metric)
    if not comparison:
        raise BelowBar(
            f"{measured}, and cannot be compared with {must_beat}: no held-out row has this metric "
            "for both. Choose another PROMOTION_METRIC, or clear PROMOTION_MUST_BEAT",
            value,
        )
    if comparison.p > SIGNIFICANT:
        raise BelowBar(_not_better(comparison, metric, must_beat), value)
    return record | {"comparison": comparison.__dict__}


def compare(this: Evaluation, other: Evaluation, metric: str) -> Comparison | None:
    """Both models on the rows that both have the metric for; None where there is none."""
    others = {row["id"]: row.get(metric) for row in other.rows}
    pairs = [
        (float(row[metric]), float(others[row["id"]]))
        for row in this.rows
        if row.get(metric) is not None and others.get(row["id"]) is not None
    ]
    if not pairs:
        return None
    better = sum(left > right for left, right in pairs)
    worse = sum(left < right for left, right in pairs)
    return Comparison(
        len(pairs),
        round(sum(left for left, _ in pairs) / len(pairs), 4),
        round(sum(right for _, right in pairs) / len(pairs), 4),
        better,
        worse,
        round(mcnemar_p(better, worse), 6),
    )


def _described(metrics: dict[str, Any], metric: str) -> str:
    value, interval = metrics.get(metric), metrics.get(f"{metric}_interval")
    rows = metrics.get("executed_rows" if metric == "execution_match" else "scored_rows", 0)
    if value is None:
        return f"could not be measured on {metrics.get('held_out_rows', 0)} held-out rows"
    around = f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"is {value:.4f}{around} on {rows} held-out rows"


def _not_better(comparison: Comparison, metric: str, must_beat: str) -> str:
    which = "the untrained base" if must_beat == "base" else must_beat
    return (
        f"{metric} is {comparison.this:.4f} and that of {which} {comparison.other:.4f} on the same "
        f"{comparison.rows} held-out rows. They differ on {comparison.better + comparison.worse}: "
        f"this model is better on {comparison.better}, the other on {comparison.worse}, which "
        f"equally good models would show with a probability of {comparison.p:.3f} (exact McNemar "
        f"test, one-sided; at most {SIGNIFICANT} is asked for). Train on more rows or for longer, "
        "raise EVALUATION_ROWS if the model is better by little, or clear PROMOTION_MUST_BEAT"
    )
