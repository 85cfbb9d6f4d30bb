"""Rows that lie exactly on, just below and just above what a query compares a column with."""

import random

from finetune.evaluation.conditions import Value
from finetune.evaluation.made_up_database import Rows
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools

LARGEST_EDGE = 60


def edges(tables: list[Table], pools: Pools, rng: random.Random, edge: str, met: bool) -> Rows:
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


def few(
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
