"""
Rows that tell a query from its near misses.

Many small databases show more than a large one (small scope: two queries that differ do so on a
few rows, https://arxiv.org/abs/2010.02840). In all of them values lie around what the queries
compare with, and columns that are compared with each other share them.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from finetune.evaluation.conditions import Conditions
from finetune.evaluation.edge_rows import edges, few
from finetune.evaluation.group_rows import groups
from finetune.evaluation.made_up_database import Rows
from finetune.evaluation.mixed_rows import character, limited, mixed
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools

# What a HAVING or a LIMIT may count to, that rows are made for.
LARGEST_COUNT = 150


def databases(
    tables: list[Table], conditions: Conditions, seed: int, count: int, keyed: bool = True
) -> Iterator[Rows]:
    """
    `count` sets of rows by table, in the order of its columns; the same for the same seed. `keyed`
    makes unique what the expected query takes for a table's key.
    """
    pools = Pools(tables, conditions)
    rng = random.Random(seed)
    counted = [number for number in sorted(conditions.counts) if 0 <= number <= LARGEST_COUNT]
    limit = min(conditions.limit, LARGEST_COUNT)
    exact = [(root, value) for root in pools.compared for value in pools[root].literals]
    near = [(root, value) for root in pools.compared for value in pools[root].near]
    alike = [root for root in pools.compared if len(pools[root].literals) > 1]

    def some(make: Callable[..., Rows], *choices: Any) -> list[Callable[[], Rows]]:
        return [partial(make, tables, pools, rng, *choice) for choice in choices]

    made = some(edges, *((root, met) for met in (True, False) for root in pools.compared))
    made = made[: count // 3]
    made += some(few, *((root, [value]) for root, value in exact[: count // 6]))
    for _ in range(count // 6 if near else 0):
        root, value = rng.choice(near)
        made += some(few, (root, [value]))
    # Two conditions on one column, of two queries that meet in an INTERSECT: both are met by two
    # rows that agree in all else.
    pairs = [
        (root, [literal, value])
        for root in alike
        for literal in pools[root].literals
        for value in pools[root].near
        if literal != value
    ]
    made += some(few, *rng.sample(pairs, min(len(pairs), count // 4)))
    if counted:
        plain = [(counted, None, None)] * (count // 10)
        made += some(groups, *plain, *((counted, *edge) for edge in exact[: count // 8]))
    if limit:
        made += some(limited, *[(limit,)] * (count // 8))
    characters = [(character(number, rng),) for number in range(count)]
    made += some(mixed, *characters[: max(count - len(made), count // 3)])
    rng.shuffle(made)
    for make in made[:count]:
        rows = make()
        if keyed and conditions.keys:
            rows = {table: _with_keys(table, rows[table], pools, conditions) for table in tables}
        yield rows


def _with_keys(
    table: Table, rows: list[list[Any]], pools: Pools, conditions: Conditions
) -> list[list[Any]]:
    """One row for each value of what the expected query takes for the table's key."""
    keys = {pools.root(name) for name in conditions.keys.get(table.name.lower(), ())}
    places = [place for place, name in enumerate(table.columns) if pools.root(name) in keys]
    if not places:
        return rows
    return list({tuple(row[place] for place in places): row for row in rows}.values())
