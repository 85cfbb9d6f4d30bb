"""report.html: a run on one page that needs nothing but a browser."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finetune.data.row_checks import MEANING
from finetune.publishing.answers import worst_answers
from finetune.publishing.loss_curve import loss_curve
from finetune.publishing.manifest import Lineage, library_versions
from finetune.settings import Settings
from finetune.training.progress import duration, process_seconds

REPORT, CURVE = "report.html", "loss_curve.png"
TEMPLATE = Path(__file__).with_name("report.html.jinja")

# Metrics with a row of their own, the better side of each, and what they say.
METRICS = {
    "execution_match": "share of answers that return what the expected query returns",
    "parses": "share of answers that are SQL",
    "normalized_match": "share of answers equal but for the way they are written",
    "exact_match": "share of answers equal letter for letter, spaces aside",
    "token_f1": "words shared with the expected answer, F1",
    "held_out_loss": "nats per token of the expected answer; less is better",
}


@dataclass(frozen=True)
class Run:
    """
    All that the report is about. `metrics` is metrics.json, `training` is training.json (its
    "curves" and "best_step"), `rows` are the evaluation's, `data` is the account of the rows (the
    fields of RowReport), None where it is not known any more.
    """

    settings: Settings
    lineage: Lineage
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] | None = None


def write_report(directory: Path, run: Run) -> None:
    """Writes report.html and loss_curve.png. To be called before the manifest, which names them."""
    curve = loss_curve(run.training.get("curves", {}), run.training.get("best_step"))
    (directory / CURVE).write_bytes(curve)
    # A lone half of a surrogate pair, which a model can generate, has no bytes in UTF-8.
    (directory / REPORT).write_bytes(report_html(run, curve).encode("utf-8", "replace"))


def report_html(run: Run, curve: bytes) -> str:
    """
    The page, with the PNG in it. Every text is escaped: questions and answers are anybody's words,
    and the page's policy lets no script run and nothing be fetched.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    answers, wrong = worst_answers(run.rows, run.settings.promotion_metric)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        settings=run.settings,
        lineage=run.lineage,
        created=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        facts=_facts(run),
        columns=[name for name, _ in _models(run.metrics)],
        metrics=_metric_rows(run.metrics),
        held_out=run.metrics.get("held_out_rows", 0),
        scored=run.metrics.get("scored_rows", 0),
        executed=run.metrics.get("executed_rows", 0),
        bar=_bar(run.metrics.get("promotion") or {}),
        curve=base64.b64encode(curve).decode(),
        answers=answers,
        wrong=wrong,
        data=run.data,
        meaning=MEANING,
        hyperparameters={
            name.upper(): ", ".join(value) if isinstance(value, list) else value
            for name, value in run.settings.hyperparameters().items()
        },
        versions=library_versions(),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    """What the head of the page says at a glance."""
    metrics, facts = run.metrics, []
    for name in dict.fromkeys((run.settings.promotion_metric, "held_out_loss")):
        if (value := metrics.get(name)) is not None:
            facts.append((_spoken(name), _shown(name, value) + _interval(metrics, name)))
    if (steps := metrics.get("steps")) is not None:
        facts.append(("training", f"{steps} steps, {duration(metrics.get('train_seconds') or 0)}"))
    if speed := metrics.get("train_tokens_per_second"):
        facts.append(("speed", f"{speed:,.0f} tokens/s"))
    facts.append(("this attempt so far", duration(process_seconds())))
    if (price := run.settings.price_per_hour) is not None:
        facts.append(("its cost", f"${price * process_seconds() / 3600:.2f}"))
    return [*facts, ("device", str(metrics.get("device", "unknown")))]


def _models(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """This model and what it is compared with, as far as it was measured."""
    base = metrics.get("base") or {}
    examples = base.get("with_examples") or {}
    asked = f"base, {examples.get('examples')} examples in the prompt"
    others = [("base", base), (asked, examples)]
    return [("this model", metrics), *((name, values) for name, values in others if values)]


def _metric_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Name, meaning, and a cell for each model."""
    models = [values for _, values in _models(metrics)]
    return [
        (
            _spoken(name),
            meaning,
            [
                "–"
                if values.get(name) is None
                else _shown(name, values[name]) + _interval(values, name)
                for values in models
            ],
        )
        for name, meaning in METRICS.items()
        if any(values.get(name) is not None for values in models)
    ]


def _shown(name: str, value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:.4f}" if name.endswith("loss") else f"{100 * value:.1f} %"


def _interval(values: Mapping[str, Any], name: str) -> str:
    """The 95 % interval, where one was computed."""
    ends = values.get(f"{name}_interval")
    return f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})" if ends else ""


def _bar(promotion: Mapping[str, Any]) -> str:
    """What the model had to be, and how it compares with the one it had to beat."""
    asked = []
    if promotion.get("minimum") is not None:
        asked.append(f"{_spoken(promotion['metric'])} of at least {promotion['minimum']:g}")
    if promotion.get("must_beat"):
        asked.append(f"better than {promotion['must_beat']}")
    if compared := promotion.get("comparison"):
        asked.append(
            f"on {compared['rows']} rows {100 * compared['this']:.1f} against "
            f"{100 * compared['other']:.1f} %, better on {compared['better']}, worse on "
            f"{compared['worse']}, p = {compared['p']:.3g}"
        )
    return "; ".join(asked) or "none"


def _spoken(name: str) -> str:
    return name.replace("_", " ")
