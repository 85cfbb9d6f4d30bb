"""Answers are judged by what they return."""

import json
import subprocess
import sys
from pathlib import Path

REHEARSAL = Path(__file__).parents[1]
CONTEXT = "CREATE TABLE singer (age INTEGER)"
EXPECTED = "SELECT COUNT(*) FROM singer WHERE age > 30"


def scored(**given: str) -> dict[str, bool]:
    done = subprocess.run(
        [sys.executable, str(REHEARSAL / "score.py")],
        input=json.dumps([{"context": CONTEXT, "answer": EXPECTED, "given": given}]),
        env={"PYTHONPATH": str(REHEARSAL.parent / "trainer")},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)[0]


def test_another_text_of_the_same_meaning_is_right() -> None:
    assert scored(a="select count(age) from singer where 30 < age")["a"]


def test_fails_when_the_answer_returns_something_else_or_is_no_sql() -> None:
    given = {"other": EXPECTED.replace(">", ">="), "talk": "There are 30 singers.", "none": ""}
    assert scored(**given) == {"other": False, "talk": False, "none": False}
