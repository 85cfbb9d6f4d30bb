"""The tables that a row's context declares, as SQLite itself understands them."""

import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any

CREATE = re.compile(r"create\s+(?:temp\w*\s+)?table\b", re.IGNORECASE)
REFUSED = {
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_CREATE_VTABLE,
}
# A context may hold anything: characters that are none, numbers without end.
FAULTS = (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)


@dataclass(frozen=True)
class Table:
    """A table's name, and its columns with their declared types."""

    name: str
    columns: dict[str, str] = field(hash=False)


def declares_tables(text: str) -> bool:
    """Whether a text has a CREATE TABLE statement at all."""
    return CREATE.search(text) is not None


def tables_of(text: str) -> list[Table]:
    """
    The tables of CREATE TABLE statements, alone or in the middle of other text; [] where there are
    none or SQLite refuses them.
    """
    if not declares_tables(text):
        return []
    return _read(text) or _read(";".join(_statements(text)))


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _read(script: str) -> list[Table]:
    database = sqlite3.connect(":memory:")
    try:
        database.set_authorizer(_only_create_tables)
        database.executescript(script)
        database.set_authorizer(None)
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            Table(
                name,
                {row[1]: row[2] for row in database.execute(f"PRAGMA table_info({quoted(name)})")},
            )
            for name in names
            if not name.startswith("sqlite_")
        ]
    except FAULTS:
        return []
    finally:
        database.close()


def _statements(text: str) -> list[str]:
    """Each CREATE TABLE up to the bracket that closes its columns."""
    found = []
    for match in CREATE.finditer(text):
        depth = 0
        for place in range(match.end(), len(text)):
            depth += (text[place] == "(") - (text[place] == ")")
            if depth == 0 and text[place] == ")":
                found.append(text[match.start() : place + 1])
                break
    return found


def _only_create_tables(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_DENY if action in REFUSED else sqlite3.SQLITE_OK
