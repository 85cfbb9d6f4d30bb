"""
Rows that tell a query from its near misses.

Many small databases show more than a large one (small scope: two queries that differ do so on a
few rows, https://arxiv.org/abs/2010.02840). Each has its own character: few or many rows, NULLs or
none, duplicates, values that all differ or that nearly all agree. In all of them values lie around
what the queries compare with, and columns that are compared with each other share them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from finetune.evaluation.conditions import Conditions, Value
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools

Rows = dict[Table, list[list[Any]]]

# Sizes of tables, in the order of the databases: most differences show on a few rows.
SIZES = (6, 2, 12, 4, 1, 8, 3, 25)
# What a HAVING or a LIMIT may count to, that rows are made for.
LARGEST_COUNT = 150


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


def databases(tables: list[Table], conditions: Conditions, seed: int, count: int) -> Iterator[Rows]:
    """`count` sets of rows by table, in the order of its columns; the same for the same seed."""
    pools = Pools(tables, conditions)
    rng = random.Random(f"{seed} {conditions.limit} {sorted(conditions.counts)}")
    counted = [number for number in sorted(conditions.counts) if 0 <= number <= LARGEST_COUNT]
    limit = min(conditions.limit, LARGEST_COUNT)
    for number in range(count):
        if counted and number % 4 == 1:
            yield _groups(tables, pools, counted, rng)
        elif limit and number % 4 == 3:
            yield _mixed(tables, pools, _many(limit + rng.choice((1, 2, 3)), rng), rng)
        else:
            yield _mixed(tables, pools, _character(number, rng), rng)


def _character(number: int, rng: random.Random) -> Character:
    return Character(
        size=SIZES[number % len(SIZES)],
        nulls=rng.choice((0, 0, 0.15)),
        repeated=rng.choice((0, 0.15, 0.3)),
        near_misses=rng.choice((0.2, 0.5)),
        witnesses=rng.choice((0.3, 0.6, 0.9)),
        values=rng.choice((2, 3, 4, 8)),
        distinct=rng.choice((0, 0.3, 0.8)),
    )


def _many(size: int, rng: random.Random) -> Character:
    """Enough rows that a LIMIT cuts some off, in an order that leaves no doubt which."""
    return Character(size, 0, 0, rng.choice((0, 0.1)), 1, 4, rng.choice((0.8, 1)))


def _mixed(tables: list[Table], pools: Pools, character: Character, rng: random.Random) -> Rows:
    columns = _Columns(pools, character, rng)
    return {table: _table(table, columns, character, rng) for table in tables}


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
            good = rng.sample(good, min(character.values, len(good)))
            chosen = rng.sample(every, min(character.values, len(every)))
            self.active[root] = (good, list(dict.fromkeys([*good, *chosen])))
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
        return [
            self.rng.choice(good if self.rng.random() < self.character.witnesses else every)
            for _ in range(count)
        ]


def _groups(tables: list[Table], pools: Pools, counted: list[int], rng: random.Random) -> Rows:
    """
    Groups of n - 1, n and n + 1 rows for what a count is compared with. Keys and grouping columns
    have values of their own in each group; one table has as many rows as the group, the others one,
    or sizes would multiply over a join.
    """
    rows: Rows = {table: [] for table in tables}
    many = rng.choice(tables)
    count = rng.choice(counted)
    several = rng.random() < 0.5  # the rows of a group differ, or are counted once by DISTINCT
    of_a_group = (pools.grouped | pools.joined) - pools.pinned
    sizes = [size for size in (count - 1, count, count + 1, count + 1) if size > 0]
    used: dict[str, int] = {}

    def fresh(root: str) -> Value:
        used[root] = used.get(root, 0) + 1
        pool = pools[root]
        start = max((int(v) for v in pool.near if isinstance(v, int | float)), default=0) + 20
        return start + used[root] if pool.numeric else f"{root} of {used[root]:03}"

    for size in sizes:
        keys = {root: fresh(root) for root in of_a_group}
        for table in tables:
            for _ in range(size if table is many else 1):
                row = []
                for column in table.columns:
                    root = pools.root(column)
                    pool = pools[root]
                    good = pool.satisfying or pool.common
                    own = several and root not in pools.pinned
                    row.append(keys.get(root, fresh(root) if own else rng.choice(good)))
                rows[table].append(row)
    for values in rows.values():
        rng.shuffle(values)
    return rows
