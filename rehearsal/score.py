"""Judges answers by running them: stdin and stdout are JSON.

In: [{"context", "answer", "given": {NAME: SQL}}]. Out: [{NAME: whether it is right}], by the same
comparison in SQLite that the trainer scores with. PYTHONPATH holds trainer/.
"""

import json
import sys

from finetune.evaluation.execution_match import execution_match


def right(context: str, expected: str, given: str) -> bool:
    """Whether `given` returns what `expected` returns; as text where SQLite cannot tell."""
    same = execution_match(context, expected, given)
    return " ".join(given.split()) == " ".join(expected.split()) if same is None else same


if __name__ == "__main__":
    json.dump(
        [
            {name: right(row["context"], row["answer"], sql) for name, sql in row["given"].items()}
            for row in json.load(sys.stdin)
        ],
        sys.stdout,
    )
