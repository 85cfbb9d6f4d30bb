"""Groups of rows of the sizes that a HAVING counts to."""

import random

from finetune.evaluation.conditions import Value
from finetune.evaluation.made_up_database import Rows
from finetune.evaluation.tables import Table
from finetune.evaluation.value_pools import Pools


def groups(
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
