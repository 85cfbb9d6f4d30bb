"""Which rows are kept from training to score the model on."""

import hashlib
from collections import defaultdict
from itertools import zip_longest

from finetune.dataset import Example
from finetune.verdict import BadInput

# Evaluation never takes more than this share of the rows, whatever EVALUATION_ROWS says.
LARGEST_SHARE = 0.2
# Few contexts with many rows each would score the model on one or two schemas: spread over this
# many, or a tenth.
SPREAD = 10


def hold_out(examples: list[Example], rows: int) -> tuple[list[Example], list[Example]]:
    """
    Splits into training rows and `rows` held-out rows, by context.

    Rows about one schema resemble each other; a model that was trained on some of them is not
    tested by the others (https://aclanthology.org/P18-1033/). So whole contexts are held out,
    spaces and case aside, and rows of theirs that the evaluation does not need are used for
    nothing. The choice depends on the contexts alone, not on their order.

    Raises:
        BadInput: all rows have one context, so that none can be held out.
    """
    if rows == 0:
        return examples, []
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[_key(example.context)].append(example)
    if len(groups) < 2:
        raise BadInput(
            f"all {len(examples)} rows have the same context, so that none can be held out: "
            "set EVALUATION_ROWS=0 to train without an evaluation"
        )
    spread = min(SPREAD, -(-len(groups) // 10))
    chosen: dict[str, list[Example]] = {}
    taken = 0
    for key in sorted(groups):
        enough = taken >= rows and len(chosen) >= spread
        too_many = taken + len(groups[key]) > LARGEST_SHARE * len(examples)
        if chosen and (enough or too_many):
            break
        chosen[key] = groups[key]
        taken += len(groups[key])
    # In turn from every context, so that a cut at `rows` leaves none out.
    turns = [
        example for turn in zip_longest(*chosen.values()) for example in turn if example is not None
    ]
    held_out = turns[:rows]
    if len(held_out) < rows:
        print(
            f"EVALUATION_ROWS={rows}: only {len(held_out)} of {len(examples)} rows are held out",
            flush=True,
        )
    return [example for example in examples if _key(example.context) not in chosen], held_out


def _key(context: str) -> str:
    return hashlib.sha256(" ".join(context.lower().split()).encode()).hexdigest()
