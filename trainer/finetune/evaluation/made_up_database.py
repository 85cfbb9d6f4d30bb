"""A small database in memory that queries can read and do nothing else with."""

import sqlite3
import time
from typing import Any

from finetune.evaluation.tables import Table, quoted

Rows = dict[Table, list[list[Any]]]
Result = list[tuple[Any, ...]]

# For all runs of one query: a model may well write a join of everything with everything.
SECONDS = 2.0
LARGEST_RESULT = 20_000
ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
REFUSED_FUNCTIONS = {"load_extension", "random", "randomblob", "zeroblob", "fts3_tokenizer"}


class MadeUpDatabase:
    """
    Tables without their declared keys and constraints, so that NULLs and duplicates tell queries
    apart. `fill` replaces all rows; `run` reads, with what is left of the query's time.
    """

    def __init__(self, tables: list[Table]) -> None:
        # No statement is kept: one that was prepared for `fill` must not serve a query.
        self._database = sqlite3.connect(":memory:", cached_statements=0, isolation_level=None)
        self._filling = True
        self._spent: dict[str, float] = {}
        self._inserts = {}
        for table in tables:
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in table.columns.items())
            self._database.execute(f"CREATE TABLE {quoted(table.name)} ({columns})")
            places = ", ".join("?" * len(table.columns))
            self._inserts[table] = f"INSERT INTO {quoted(table.name)} VALUES ({places})"
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
        self._database.set_authorizer(self._authorize)

    def __enter__(self) -> "MadeUpDatabase":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def fill(self, rows: Rows, indexed: bool = True) -> None:
        """
        Replaces the rows of all tables. Without `indexed`, SQLite makes no index of its own for a
        join: it would visit rows by their values, whatever order they are stored in.
        """
        self._filling = True
        self._database.execute(f"PRAGMA automatic_index = {'ON' if indexed else 'OFF'}")
        self._database.execute("PRAGMA query_only = OFF")
        self._database.execute("BEGIN")
        for table, values in rows.items():
            self._database.execute(f"DELETE FROM {quoted(table.name)}")
            self._database.executemany(self._inserts[table], values)
        self._database.execute("COMMIT")
        self._database.execute("PRAGMA query_only = ON")
        self._filling = False

    def run(self, query: str) -> Result:
        """
        All rows of a query.

        Raises:
            sqlite3.Error: it is none, is not allowed, takes too long or finds too much.
        """
        started = time.monotonic()
        deadline = started + SECONDS - self._spent.get(query, 0.0)
        self._database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        cursor = self._database.cursor()
        try:
            rows = cursor.execute(query).fetchmany(LARGEST_RESULT + 1)
        finally:
            cursor.close()
            self._database.set_progress_handler(None, 0)
            self._spent[query] = self._spent.get(query, 0.0) + time.monotonic() - started
        if len(rows) > LARGEST_RESULT:
            raise sqlite3.OperationalError(f"more than {LARGEST_RESULT} rows")
        return rows

    def _authorize(self, action: int, first: Any, second: Any, *_: Any) -> int:
        if self._filling:
            return sqlite3.SQLITE_OK
        refused = action not in ALLOWED or (
            action == sqlite3.SQLITE_FUNCTION and str(second).lower() in REFUSED_FUNCTIONS
        )
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK
