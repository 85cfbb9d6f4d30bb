"""
Whether two SQL queries mean the same, judged by running both in SQLite on many small sets of
made-up rows.

Text differs where meaning does not ("a = 1 AND b = 2" and the reverse), and one character can
change the meaning. Empty tables would make every query equal, so that the rows are built around
both queries (https://arxiv.org/abs/2010.02840).
"""

import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from sqlglot import exp

from finetune.evaluation.conditions import conditions_of
from finetune.evaluation.made_up_database import MadeUpDatabase, Result, Rows
from finetune.evaluation.normalised_match import parse
from finetune.evaluation.synthetic_rows import databases
from finetune.evaluation.tables import FAULTS, tables_of

# Databases around the expected query alone, which decide whether it can tell anything; more of them
# where the first find nothing; and databases around both queries.
EXPECTED_ALONE, TRIES, AROUND_BOTH = 8, 48, 36
# Orders in which the same rows are stored, to see what a query leaves open.
ORDERS = 5

Outcome = Literal["right", "wrong", "gold_failed", "gold_empty", "no_tables"]


def execution_match(context: str, expected: str, answer: str) -> bool | None:
    """
    True when `answer` returns what `expected` returns on every set of rows.

    Columns count by their order, not by their names; rows by their order only where `expected` has
    an ORDER BY, and not among rows that its ORDER BY leaves equal. None where `expected` fails in
    SQLite or finds nothing in any set: then nothing can be said about any answer.
    """
    outcome = execution_outcome(context, expected, answer)
    return outcome == "right" if outcome in ("right", "wrong") else None


def execution_outcome(context: str, expected: str, answer: str) -> Outcome:
    """Like `execution_match`, with the reason why nothing can be said."""
    tables = tables_of(context)
    if not tables:
        return "no_tables"
    gold = _Gold(expected)
    columns = {column.lower() for table in tables for column in table.columns}
    with MadeUpDatabase(tables) as database:
        alone = conditions_of([gold.tree], columns)
        for keyed in (True, False) if alone.keys else (False,):
            kept, found = _around_gold(database, databases(tables, alone, 0, TRIES, keyed), gold)
            if found:
                break
        if not kept:
            return "gold_failed"
        if not found:
            return "gold_empty"
        if answer.strip().rstrip("; ") == gold.query.rstrip("; "):
            return "right"
        both = conditions_of([gold.tree, parse(answer)], columns)
        around = ((rows, None) for rows in databases(tables, both, 1, AROUND_BOTH, keyed))
        for rows, known in (*kept[:EXPECTED_ALONE], *around):
            database.fill(rows)
            try:
                result = database.run(gold.query) if known is None else known
            except FAULTS:
                continue
            try:
                given = database.run(answer.strip())
            except FAULTS:
                return "wrong"
            if not gold.agrees(result, given, database, rows):
                return "wrong"
    return "right"


def _around_gold(
    database: MadeUpDatabase, made: Iterator[Rows], gold: "_Gold"
) -> tuple[list[tuple[Rows, Result]], bool]:
    """The expected query's results, and whether one of them says something; [] where it fails."""
    kept: list[tuple[Rows, Result]] = []
    found = False
    for rows in made:
        database.fill(rows)
        try:
            kept.append((rows, database.run(gold.query)))
        except FAULTS:
            if not kept:
                break
            continue  # too much for these rows; it has answered on others
        found = found or _says_something(kept[-1][1])
        if found and len(kept) >= EXPECTED_ALONE:
            break
    return kept, found


class _Gold:
    """The expected query, and what its text leaves open about its result."""

    def __init__(self, query: str) -> None:
        self.query = query.strip()
        self.tree = parse(self.query)
        outside = re.sub(r"'[^']*'|\"[^\"]*\"", "''", self.query)
        while (inner := re.sub(r"\([^()]*\)", "", outside)) != outside:
            outside = inner
        self.ordered = re.search(r"\border\s+by\b", outside, re.IGNORECASE) is not None

    def agrees(self, result: Result, given: Result, database: MadeUpDatabase, rows: Rows) -> bool:
        """
        Whether an answer's result is one that this query may give.

        SQL does not say which of equal rows an ORDER BY puts first, nor which of them LIMIT keeps:
        where this query's own result changes with the order in which rows are stored, only what it
        does promise is asked for.
        """
        result, given = _rounded(result), _rounded(given)
        if result == given:
            return True
        same_rows = Counter(result) == Counter(given)
        if same_rows and not self.ordered:
            return True
        others = self._stored_otherwise(database, rows)
        if any(Counter(other) != Counter(result) for other in others):
            return self._may_be_cut(result, given, database)
        if self.ordered and any(other != result for other in others):
            return same_rows
        return False

    def _stored_otherwise(self, database: MadeUpDatabase, rows: Rows) -> list[Result]:
        results = []
        rng = random.Random(0)
        for number in range(ORDERS):
            turn = rng.shuffle if number else list.reverse
            stored = {table: list(values) for table, values in rows.items()}
            for values in stored.values():
                turn(values)
            database.fill(stored, indexed=False)
            with suppress(*FAULTS):
                results.append(_rounded(database.run(self.query)))
        database.fill(rows)
        return results

    def _may_be_cut(self, result: Result, given: Result, database: MadeUpDatabase) -> bool:
        """Of a LIMIT among equal rows: as many rows, each one that the whole result has."""
        if self.tree is None or self.tree.args.get("limit") is None:
            return True  # undecided further inside: these rows show nothing
        if len(result) != len(given):
            return False
        whole = self.tree.copy()
        whole.set("limit", None)
        whole.set("offset", None)
        try:
            everything = _rounded(database.run(_text(whole)))
        except FAULTS:
            return True
        return not Counter(given) - Counter(everything)


def _text(tree: exp.Query) -> str:
    return tree.sql(dialect="sqlite", comments=False)


def _rounded(result: Result) -> Result:
    # Sums in another order differ in the last digits.
    return [
        tuple(
            float(f"{value:.9g}") if isinstance(value, float) and math.isfinite(value) else value
            for value in row
        )
        for row in result
    ]


def _says_something(result: Result) -> bool:
    """Not empty, and not the NULL or 0 that an aggregate gives for no rows at all."""
    return any(value not in (None, 0) for row in result for value in row)
