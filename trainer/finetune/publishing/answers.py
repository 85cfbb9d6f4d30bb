"""The answers that the report shows: the worst first, each with why it is wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 10
LONGEST = 2000  # letters of one text; an untrained model writes on and on
# Control characters, and marks that turn the direction of what follows: a text shows itself, and
# does nothing to the page.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Answer:
    """A held-out row with what the model made of it."""

    id: str
    question: str
    expected: str
    given: str
    why: str


def worst_answers(rows: Sequence[Mapping[str, Any]], metric: str) -> tuple[list[Answer], int]:
    """
    At most ten wrong answers, and how many there are. Wrong is what the metric says, or exact match
    where it says nothing of a row. Those that are not even SQL come first, then those that have the
    least in common with the expected answer.
    """
    wrong = [row for row in rows if not _right(row, metric)]
    wrong.sort(key=lambda row: (row.get("parses") is not False, row.get("token_f1") or 0.0))
    return [_answer(row, metric) for row in wrong[:SHOWN]], len(wrong)


def _right(row: Mapping[str, Any], metric: str) -> bool:
    value = row.get(metric)
    value = row.get("exact_match") if value is None else value
    return value is True or (not isinstance(value, bool) and value == 1)


def _answer(row: Mapping[str, Any], metric: str) -> Answer:
    return Answer(
        str(row.get("id", "")),
        shown(row.get("prompt", "")),
        shown(row.get("expected", "")),
        shown(row.get("answer", "")) or "(nothing)",
        _why(row, metric),
    )


def _why(row: Mapping[str, Any], metric: str) -> str:
    if not str(row.get("answer", "")).strip():
        return "no answer"
    if row.get("reason"):
        return shown(row["reason"])
    if row.get("parses") is False:
        return "no SQL: it cannot be parsed"
    if row.get("execution_match") is False:
        return "returns another result"
    return "another text" if metric != "token_f1" else f"token F1 {row.get('token_f1', 0):.2f}"


def shown(text: Any) -> str:
    """A text as it is shown: cut where it is long, characters that act made visible."""
    text = str(text).replace("\r\n", "\n")
    more = len(text) - LONGEST
    text = INVISIBLE.sub("\ufffd", text[:LONGEST]).strip()
    return text if more <= 0 else f"{text} … ({more:,} more characters)"
