"""Answers against what was expected: row by row, and as shares with their intervals."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from finetune.data.example import Example
from finetune.evaluation.execution_match import execution_outcome
from finetune.evaluation.normalised_match import normalised, parse
from finetune.evaluation.tables import Table, declares_tables, tables_of
from finetune.evaluation.token_f1 import token_f1
from finetune.evaluation.wilson import mean_interval, wilson_interval

# Shares of rows, then the mean over rows.
SHARES = ("parses", "exact_match", "normalized_match", "execution_match")
METRICS = (*SHARES, "token_f1")

Row = dict[str, Any]


def score_row(example: Example, answer: str) -> Row:
    """
    What `evaluation.json` says of one row: id, prompt, expected answer, answer, and each metric;
    None where it has no meaning for the row. `execution` says why a row of SQL could not be
    executed.
    """
    expected = example.completion.strip()
    row: Row = {"id": example.id, "prompt": example.prompt, "expected": expected, "answer": answer}
    row |= dict.fromkeys(METRICS)
    row["exact_match"] = _plain(answer) == _plain(expected)
    row["token_f1"] = round(token_f1(expected, answer), 4)
    context = next((t for t in (example.context, example.prompt) if declares_tables(t)), None)
    if context is None or parse(expected) is None:
        return row
    schema = _schema(tables_of(context))
    wanted = normalised(expected, schema)
    row["parses"] = parse(answer) is not None
    row["normalized_match"] = wanted is not None and normalised(answer, schema) == wanted
    outcome = execution_outcome(context, expected, answer)
    row["execution_match"] = outcome == "right" if outcome in ("right", "wrong") else None
    row["execution"] = outcome
    return row


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """
    The metrics over rows: for each its share (or mean) and `NAME_interval`, its 95 % interval, both
    None where no row has it; and how many rows could be executed, and why the others could not.
    """
    metrics: dict[str, Any] = {}
    for name in METRICS:
        values = [row[name] for row in rows if row[name] is not None]
        interval = (
            wilson_interval(sum(values), len(values)) if name in SHARES else mean_interval(values)
        )
        metrics[name] = round(sum(values) / len(values), 4) if values else None
        metrics[f"{name}_interval"] = interval and [round(end, 4) for end in interval]
    outcomes = Counter(row.get("execution") for row in rows)
    metrics["executed_rows"] = outcomes["right"] + outcomes["wrong"]
    # Excluded from execution_match: SQLite refuses the expected query, or the context, or the query
    # finds nothing in any set of made-up rows.
    metrics["gold_failed_rows"] = outcomes["gold_failed"] + outcomes["no_tables"]
    metrics["gold_empty_rows"] = outcomes["gold_empty"]
    return metrics


def _schema(tables: list[Table]) -> dict[str, frozenset[str]]:
    return {
        table.name.lower(): frozenset(column.lower() for column in table.columns)
        for table in tables
    }


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip("; ")
