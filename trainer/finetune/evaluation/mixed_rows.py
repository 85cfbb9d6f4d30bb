"""Rows drawn at random, around what queries compare with, each database with its own character."""

import random
from dataclasses import dataclass
from typing import Any

from finetune.evaluation.conditions import Value
from finetune.evaluation.made_up_database import Rows
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools

# Sizes of tables, in the order of the databases: most differences show on a few rows.
SIZES = (6, 2, 12, 4, 1, 8, 3, 25)


@dataclass(frozen=True)
class Character:
    """
    What one database is like: rows a table, share of NULLs, of repeated rows and of rows that miss
    one condition, how many values a column has, and whether its values are all different.
    """

    size: int
    nulls: float
    repeated: float
    near_misses: float
    witnesses: float
    values: int
    distinct: float


def character(number: int, rng: random.Random) -> Character:
    """That of the database with a number."""
    return Character(
        size=SIZES[number % len(SIZES)],
        nulls=rng.choice((0, 0, 0.15)),
        repeated=rng.choice((0, 0.15, 0.3)),
        near_misses=rng.choice((0.2, 0.5)),
        witnesses=rng.choice((0.3, 0.6, 0.9)),
        values=rng.choice((2, 3, 4, 8)),
        distinct=rng.choice((0, 0.3, 0.8)),
    )


def mixed(tables: list[Table], pools: Pools, rng: random.Random, character: Character) -> Rows:
    """Rows of a character: some meet all conditions, some miss one, some are anything."""
    columns = _Columns(pools, character, rng)
    return {table: _table(table, columns, character, rng) for table in tables}


def limited(tables: list[Table], pools: Pools, rng: random.Random, limit: int) -> Rows:
    """Enough rows that a LIMIT cuts some off, in an order that leaves no doubt which."""
    size = limit + rng.choice((1, 2, 3))
    enough = Character(size, 0, 0, rng.choice((0, 0.1)), 1, 4, rng.choice((0.8, 1)))
    return mixed(tables, pools, rng, enough)


def _table(
    table: Table, columns: "_Columns", character: Character, rng: random.Random
) -> list[list[Any]]:
    size = character.size
    if character.distinct < 1:
        size = max(1, size + rng.choice((-1, 0, 0, 1, 2)))
    drawn = {name: columns.draw(name, size) for name in table.columns}
    rows: list[list[Any]] = []
    for number in range(size):
        kind = rng.random()
        if rows and kind < character.repeated:
            rows.append(list(rng.choice(rows)))
        elif rows and kind < character.repeated + character.near_misses:
            row = list(rng.choice(rows))
            place = rng.randrange(len(row))
            row[place] = rng.choice(columns.any(list(table.columns)[place]))
            rows.append(row)
        else:
            rows.append([drawn[name][number] for name in table.columns])
        if character.nulls:
            rows[-1] = [None if rng.random() < character.nulls else cell for cell in rows[-1]]
    return rows


class _Columns:
    """The values that one database has for each pool."""

    def __init__(self, pools: Pools, character: Character, rng: random.Random) -> None:
        self.pools, self.character, self.rng = pools, character, rng
        self.active: dict[str, tuple[list[Value], list[Value]]] = {}
        for root in pools.roots():
            pool = pools[root]
            good = pool.satisfying or pool.common
            every = list(dict.fromkeys([*pool.near, *pool.common]))
            good = rng.choices(good, k=character.values)
            self.active[root] = (good, [*good, *rng.choices(every, k=character.values)])
        self.distinct = {
            root
            for root in pools.roots()
            if root not in pools.pinned and rng.random() < character.distinct
        }

    def any(self, column: str) -> list[Value]:
        return self.active[self.pools.root(column)][1]

    def draw(self, column: str, count: int) -> list[Value]:
        """Values for `count` rows of a column."""
        root = self.pools.root(column)
        if root in self.distinct:
            return self.pools[root].distinct(count, self.rng)
        good, every = self.active[root]
        drawn = self.rng.choices(good, k=count)
        others = self.rng.choices(every, k=count)
        share = self.character.witnesses
        return [
            value if self.rng.random() < share else other
            for value, other in zip(drawn, others, strict=True)
        ]
