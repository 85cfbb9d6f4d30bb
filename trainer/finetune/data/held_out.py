"""Which rows are kept from training to score the model on."""

import hashlib
import re
from collections import defaultdict
from itertools import zip_longest

from finetune.data.dataset import Example
from finetune.verdict import BadInput

# Evaluation never keeps more than this share of the rows from training, whatever EVALUATION_ROWS
# says.
LARGEST_SHARE = 0.2
# Few schemas with many rows each would score the model on one or two: take this many, or a tenth.
SPREAD = 10
TABLE = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?[\"'`\[]?([\w.]+)", re.IGNORECASE)

Schema = frozenset[str]


def hold_out(examples: list[Example], rows: int) -> tuple[list[Example], list[Example]]:
    """
    Splits into training rows and at most `rows` held-out rows that share no table with them.

    A model that was trained on a schema is not tested by it (https://aclanthology.org/P18-1033/),
    and data sets cut a schema differently for each question (`head (age)`, `head (name, age)`): the
    text of the context would not do. Rows that touch a held-out table without being held out are
    used for nothing. A context that declares no table is a schema of its own, spaces and case
    aside. The choice depends on the schemas alone, not on the order of rows.

    Raises:
        BadInput: no row can be held out, since each shares a table with most others.
    """
    if rows == 0:
        return examples, []
    schemas = [_schema(example.context) for example in examples]
    touching: dict[str, set[int]] = defaultdict(set)
    for number, schema in enumerate(schemas):
        for table in schema:
            touching[table].add(number)
    distinct = sorted(set(schemas), key=_order)
    spread = min(SPREAD, rows, -(-len(distinct) // 10))
    tables: set[str] = set()
    touched: set[int] = set()
    chosen: dict[Schema, list[Example]] = {}
    for schema in distinct:
        more = touched.union(*(touching[table] for table in schema))
        if len(more) > max(LARGEST_SHARE * len(examples), 1):
            continue
        tables |= schema
        touched = more
        chosen = defaultdict(list)
        for number in sorted(touched):
            if schemas[number] <= tables:
                chosen[schemas[number]].append(examples[number])
        if len(chosen) >= spread and sum(map(len, chosen.values())) >= rows:
            break
    if not chosen:
        raise BadInput(
            f"none of {len(examples)} rows can be held out: every table is in more than a fifth of "
            "them. Set EVALUATION_ROWS=0 to train without an evaluation"
        )
    # In turn from every schema, so that a cut at `rows` leaves none out.
    turns = [example for turn in zip_longest(*chosen.values()) for example in turn if example]
    if len(turns) < rows:
        print(f"EVALUATION_ROWS={rows}: only {len(turns)} rows are held out", flush=True)
    training = [example for number, example in enumerate(examples) if number not in touched]
    return training, turns[:rows]


def _schema(context: str) -> Schema:
    tables = (name.lower() for name in TABLE.findall(context))
    return frozenset(tables) or frozenset([" ".join(context.lower().split())])


def _order(schema: Schema) -> str:
    return hashlib.sha256("\n".join(sorted(schema)).encode()).hexdigest()
