"""
Rows that tell a query from its near misses.

Around a row that satisfies every condition of the query stand rows that miss just one of them: the
neighbours of each number, other strings, NULL. `<` for `<=`, a changed literal or a left-out
condition then changes the result. Duplicates show a missing DISTINCT, shared values let joins find
each other.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from finetune.evaluation.conditions import Conditions, Value

NUMERIC = ("int", "real", "num", "dec", "float", "double", "year")
MOST_ROWS = 120
LARGEST_GROUP = 12


@dataclass(frozen=True)
class Table:
    """A table's name, and its columns with their declared types."""

    name: str
    columns: dict[str, str] = field(hash=False)


def rows_for(
    tables: list[Table], conditions: Conditions, seed: int
) -> dict[Table, list[list[Any]]]:
    """Rows by table, in the order of its columns; the same for the same seed."""
    rng = random.Random(seed)
    pools = _Pools(tables, conditions, rng)
    return {table: _table_rows(table, tables, pools, conditions, rng) for table in tables}


def _table_rows(
    table: Table, tables: list[Table], pools: "_Pools", conditions: Conditions, rng: random.Random
) -> list[list[Any]]:
    columns = list(table.columns)

    def witness() -> dict[str, Any]:
        return {column: rng.choice(pools.satisfying(column)) for column in columns}

    witnesses = [witness() for _ in range(5)]
    rows = [*witnesses, *(dict(row) for row in witnesses[:3])]
    for column in columns:
        near = (
            pools.values(column)
            if pools.is_compared(column)
            else rng.sample(pools.values(column), 3)
        )
        rows += [{**rng.choice(witnesses), column: value} for value in [*near, None]]
    for _ in range(8):
        rows.append({column: rng.choice([*pools.values(column), None]) for column in columns})
    rows += [dict(row) for row in rng.choices(rows, k=4)]
    if len(rows) > MOST_ROWS:
        rows = rows[:8] + rng.sample(rows[8:], MOST_ROWS - 8)
    rows += _groups(table, tables, witness, pools, conditions)
    rng.shuffle(rows)
    return [[row[column] for column in columns] for row in rows]


def _groups(
    table: Table, tables: list[Table], witness: Any, pools: "_Pools", conditions: Conditions
) -> list[dict[str, Any]]:
    """
    For `HAVING COUNT(*) > n`: groups of n - 1, n and n + 1 rows, under values that occur nowhere
    else.
    """
    rows = []
    grouped = [column for column in table.columns if pools.root(column) in pools.grouped]
    if not grouped:
        return rows
    # A group that spans a join is counted on one side only, or its sizes would multiply.
    sharing = [
        other
        for other in tables
        if any(pools.root(name) in pools.grouped for name in other.columns)
    ]
    for count in sorted(conditions.counts):
        if 0 < count <= LARGEST_GROUP:
            for size in (count - 1, count, count + 1):
                fresh = {column: pools.fresh(column, count, size) for column in grouped}
                copies = size if table is sharing[-1] else min(size, 1)
                rows += [{**witness(), **fresh} for _ in range(copies)]
    return rows


class _Pools:
    """The values of each column. Columns that a query compares with each other share theirs."""

    def __init__(self, tables: list[Table], conditions: Conditions, rng: random.Random) -> None:
        kinds = {
            name.lower(): kind.lower() for table in tables for name, kind in table.columns.items()
        }
        self._parent = {name: name for name in kinds}
        for left, right in conditions.joined:
            self._parent[self.root(left)] = self.root(right)
        self.grouped = {self.root(name) for name in conditions.grouped}
        self._compared: dict[str, list[tuple[str, Value]]] = {}
        for name, compared in conditions.compared.items():
            self._compared.setdefault(self.root(name), []).extend(compared)
        self._numeric = {
            self.root(name)
            for name, kind in kinds.items()
            if name in conditions.numeric
            or any(part in kind for part in NUMERIC)
            or any(not isinstance(value, str) for _, value in conditions.compared.get(name, []))
        }
        self._values: dict[str, list[Value]] = {}
        self._satisfying: dict[str, list[Value]] = {}
        for root in sorted({self.root(name) for name in kinds}):
            compared = self._compared.get(root, [])
            near = [value for operator, literal in compared for value in _near(operator, literal)]
            # No literal can be guessed to be among these: what is common to all columns tells none
            # apart.
            common = (
                rng.sample(range(1, 60), 6)
                if root in self._numeric
                else [f"{root} {letter}" for letter in rng.sample("abcdefghijkl", 5)]
            )
            self._values[root] = list(dict.fromkeys([*near, *common]))
            within = [
                value for operator, literal in compared for value in _within(operator, literal)
            ]
            self._satisfying[root] = within or common

    def root(self, column: str) -> str:
        column = column.lower()
        while self._parent[column] != column:
            column = self._parent[column]
        return column

    def values(self, column: str) -> list[Value]:
        return self._values[self.root(column)]

    def satisfying(self, column: str) -> list[Value]:
        return self._satisfying[self.root(column)]

    def is_compared(self, column: str) -> bool:
        return self.root(column) in self._compared

    def fresh(self, column: str, count: int, size: int) -> Value:
        root = self.root(column)
        return 1000 + 100 * count + size if root in self._numeric else f"{root} of {count} {size}"


def _near(operator: str, literal: Value) -> list[Value]:
    """A literal and its neighbours on both sides."""
    if not isinstance(literal, str):
        return [literal, literal - 1, literal + 1]
    if operator in ("LIKE", "ILIKE"):
        core = literal.replace("%", "").replace("_", "q")
        return [core, f"z{core}", f"{core}z", f"z{core}z", core[:-1]]
    numbers: list[Value] = []
    if literal.lstrip("-").isdecimal() and len(literal) < 19:
        numbers = [str(int(literal) - 1), str(int(literal) + 1)]
    return [literal, literal + "z", literal[:-1], literal.swapcase(), *numbers]


def _within(operator: str, literal: Value) -> list[Value]:
    """Values that satisfy the comparison; the boundary itself first where it does."""
    less, more = (
        (literal[:-1], literal + "z") if isinstance(literal, str) else (literal - 1, literal + 1)
    )
    match operator:
        case "EQ" | "IN" | "BETWEEN" | "IS":
            return [literal]
        case "GT":
            return [more]
        case "GTE":
            return [literal, more]
        case "LT":
            return [less]
        case "LTE":
            return [literal, less]
        case "LIKE" | "ILIKE":
            return _near(operator, literal)[:4]
    return []
