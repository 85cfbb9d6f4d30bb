"""
Whether two SQL queries mean the same, judged by running both in SQLite on several sets of made-up
rows.

Text differs where meaning does not ("a = 1 AND b = 2" and the reverse), and one character can
change the meaning. Empty tables would make every query equal, so that the rows are built around the
expected query (https://arxiv.org/abs/2010.02840).
"""

import math
import sqlite3
import time
from collections import Counter
from typing import Any

import sqlglot

from finetune.evaluation.conditions import conditions_of
from finetune.evaluation.synthetic_rows import Table, rows_for

SEEDS = range(4)
SECONDS = 2.0  # for one query: a model may well write a join of everything with everything
LARGEST_RESULT = 20_000
ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
# A model may write anything: characters that are none, numbers without end.
FAULTS = (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)
REFUSED_FUNCTIONS = {"load_extension", "random", "randomblob", "zeroblob"}


def execution_match(context: str, expected: str, answer: str) -> bool | None:
    """
    True when `answer` returns what `expected` returns on every set of rows.

    None where `expected` fails in SQLite or finds nothing in any set: then nothing can be said
    about the answer.
    """
    tables = tables_of(context)
    if not tables:
        return None
    expected, answer = expected.strip(), answer.strip()
    columns = {column.lower() for table in tables for column in table.columns}
    conditions = conditions_of([expected], columns)
    databases = [_filled(rows_for(tables, conditions, seed)) for seed in SEEDS]
    try:
        results = [_run(database, expected) for database in databases]
    except FAULTS:
        return None
    if not any(_says_something(result) for result in results):
        return None
    # Values that only the answer names, too: it may add a case that the expected query does not
    # have.
    both = conditions_of([expected, answer], columns)
    databases += [_filled(rows_for(tables, both, seed)) for seed in SEEDS]
    ordered = _is_ordered(expected)
    try:
        results += [_run(database, expected) for database in databases[len(results) :]]
        return all(
            _same(result, _run(database, answer), ordered)
            for result, database in zip(results, databases, strict=True)
        )
    except FAULTS:
        return False


def tables_of(context: str) -> list[Table]:
    """
    The tables that CREATE TABLE statements declare, as SQLite itself understands them; [] where it
    does not.
    """
    database = sqlite3.connect(":memory:")
    try:
        database.set_authorizer(_only_create_tables)
        database.executescript(context)
        database.set_authorizer(None)
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            Table(
                name,
                {row[1]: row[2] for row in database.execute(f"PRAGMA table_info({_quoted(name)})")},
            )
            for name in names
            if not name.startswith("sqlite_")
        ]
    except FAULTS:
        return []
    finally:
        database.close()


def _filled(rows: dict[Table, list[list[Any]]]) -> sqlite3.Connection:
    """
    A database in memory, without the declared keys and constraints: NULLs and duplicates tell
    queries apart.
    """
    database = sqlite3.connect(":memory:")
    for table, values in rows.items():
        columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in table.columns.items())
        database.execute(f"CREATE TABLE {_quoted(table.name)} ({columns})")
        places = ", ".join("?" * len(table.columns))
        database.executemany(f"INSERT INTO {_quoted(table.name)} VALUES ({places})", values)
    database.commit()
    database.set_authorizer(_only_select)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
    return database


def _run(database: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    deadline = time.monotonic() + SECONDS
    database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    cursor = database.execute(query)
    rows = cursor.fetchmany(LARGEST_RESULT + 1)
    if len(rows) > LARGEST_RESULT:
        raise sqlite3.OperationalError(f"more than {LARGEST_RESULT} rows")
    return rows


def _same(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]], ordered: bool) -> bool:
    left, right = [_rounded(row) for row in left], [_rounded(row) for row in right]
    return left == right if ordered else Counter(left) == Counter(right)


def _rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    # Sums in another order differ in the last digits.
    return tuple(
        float(f"{value:.9g}") if isinstance(value, float) and math.isfinite(value) else value
        for value in row
    )


def _says_something(result: list[tuple[Any, ...]]) -> bool:
    """Not empty, and not the NULL or 0 that an aggregate gives for no rows at all."""
    return any(value not in (None, 0) for row in result for value in row)


def _is_ordered(query: str) -> bool:
    try:
        return sqlglot.parse_one(query, dialect="sqlite").args.get("order") is not None
    except sqlglot.errors.SqlglotError:
        return False


def _only_select(action: int, _first: Any, second: Any, *_: Any) -> int:
    refused = action == sqlite3.SQLITE_FUNCTION and str(second).lower() in REFUSED_FUNCTIONS
    return sqlite3.SQLITE_OK if action in ALLOWED and not refused else sqlite3.SQLITE_DENY


def _only_create_tables(action: int, *_: Any) -> int:
    refused = {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_CREATE_TRIGGER,
    }
    return sqlite3.SQLITE_DENY if action in refused else sqlite3.SQLITE_OK


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
