"""
Rows that tell a query from its near misses.

Many small databases show more than a large one (small scope: two queries that differ do so on a
few rows, https://arxiv.org/abs/2010.02840). Each has its own character: few or many rows, NULLs or
none, duplicates, values that all differ or that nearly all agree. In all of them values lie around
what the queries compare with, and columns that are compared with each other share them.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from finetune.evaluation.conditions import Conditions, Value
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools

Rows = dict[Table, list[list[Any]]]

# Sizes of tables, in the order of the databases: most differences show on a few rows.
SIZES = (6, 2, 12, 4, 1, 8, 3, 25)
# What a HAVING or a LIMIT may count to, that rows are made for.
LARGEST_COUNT = 150
LARGEST_EDGE = 60


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
    rng = random.Random(seed)
    counted = [number for number in sorted(conditions.counts) if 0 <= number <= LARGEST_COUNT]
    limit = min(conditions.limit, LARGEST_COUNT)
    exact = [(root, value) for root in pools.compared for value in pools[root].literals]
    near = [(root, value) for root in pools.compared for value in pools[root].near]
    alike = [root for root in pools.compared if len(pools[root].literals) > 1]

    def some(make: Callable[..., Rows], *choices: Any) -> list[Callable[[], Rows]]:
        return [partial(make, tables, pools, rng, *choice) for choice in choices]

    made = some(_edges, *((root, met) for met in (True, False) for root in pools.compared))
    made = made[: count // 3]
    made += some(_few, *((root, [value]) for root, value in exact[: count // 6]))
    for _ in range(count // 6 if near else 0):
        root, value = rng.choice(near)
        made += some(_few, (root, [value]))
    # Two conditions on one column, of two queries that meet in an INTERSECT: both are met by two
    # rows that agree in all else.
    pairs = [
        (root, [literal, value])
        for root in alike
        for literal in pools[root].literals
        for value in pools[root].near
        if literal != value
    ]
    made += some(_few, *rng.sample(pairs, min(len(pairs), count // 4)))
    if counted:
        plain = [(counted, None, None)] * (count // 10)
        made += some(_groups, *plain, *((counted, *edge) for edge in exact[: count // 8]))
    if limit:
        made += some(_limited, *[(limit,)] * (count // 8))
    characters = [(_character(number, rng),) for number in range(count)]
    made += some(_mixed, *characters[: max(count - len(made), count // 3)])
    rng.shuffle(made)
    for make in made[:count]:
        yield make()


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


def _limited(tables: list[Table], pools: Pools, rng: random.Random, limit: int) -> Rows:
    """Enough rows that a LIMIT cuts some off, in an order that leaves no doubt which."""
    size = limit + rng.choice((1, 2, 3))
    character = Character(size, 0, 0, rng.choice((0, 0.1)), 1, 4, rng.choice((0.8, 1)))
    return _mixed(tables, pools, rng, character)


def _few(
    tables: list[Table], pools: Pools, rng: random.Random, edge: str, values: list[Value]
) -> Rows:
    """
    One row for each of a few values of one column, all others alike and meeting their conditions:
    whether such a row counts decides the whole result.
    """
    cells = {
        root: rng.choice(pools[root].satisfying or pools[root].common) for root in pools.roots()
    }
    return {
        table: [
            [(cells | {edge: value})[pools.root(name)] for name in table.columns]
            for value in values
        ]
        for table in tables
    }


def _mixed(tables: list[Table], pools: Pools, rng: random.Random, character: Character) -> Rows:
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


def _edges(tables: list[Table], pools: Pools, rng: random.Random, edge: str, met: bool) -> Rows:
    """
    One row for each value that lies around what one column is compared with. The other columns meet
    their conditions or, for the sake of OR, do not; those without a condition tell rows apart.
    """
    near = [*pools[edge].near, None][:LARGEST_EDGE]
    distinct = {
        root: pools[root].distinct(len(near), rng)
        for root in pools.roots()
        if root not in pools.compared
    }
    rows: Rows = {}
    for table in tables:
        columns: list[list[Value]] = []
        for name in table.columns:
            root = pools.root(name)
            pool = pools[root]
            if root == edge:
                columns.append(near)
            elif root in distinct:
                columns.append(distinct[root])
            else:
                good = pool.satisfying if met and pool.satisfying else pool.common
                columns.append([rng.choice(good) for _ in near])
        rows[table] = [list(row) for row in zip(*columns, strict=True)]
        rng.shuffle(rows[table])
    return rows


def _groups(
    tables: list[Table],
    pools: Pools,
    rng: random.Random,
    counted: list[int],
    edge: str | None,
    edge_value: Value,
) -> Rows:
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

    all_of_it = rng.random() < 0.5
    for size in sizes:
        # Some groups share a grouping column that is no key: they are one for GROUP BY that alone.
        keys = {
            root: fresh(root)
            if root in pools.joined or rng.random() < 0.7
            else pools[root].common[0]
            for root in of_a_group
        }
        for table in tables:
            for number in range(size if table is many else 1):
                row = []
                for column in table.columns:
                    root = pools.root(column)
                    pool = pools[root]
                    good = pool.satisfying or pool.common
                    own = several and root not in pools.pinned
                    if root == edge and (all_of_it or number == 0):
                        row.append(edge_value)  # of the row that makes the group large enough
                    else:
                        row.append(keys.get(root, fresh(root) if own else rng.choice(good)))
                rows[table].append(row)
    for values in rows.values():
        rng.shuffle(values)
    return rows
