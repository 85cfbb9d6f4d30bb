"""Which rows are kept from training to judge the model on."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.data.example import Example
from finetune.data.shared_tables import shared_keys
from finetune.verdict import BadInput

# Held-out and validation rows, with all that shares a table with them, are never more than a fifth.
LARGEST_SHARE = 0.2
# Of that, what the held-out rows leave to the validation rows where there are enough.
HELD_OUT_SHARE = 0.15
# Rows whose loss is watched while training.
VALIDATION_ROWS = 64
# No group of rows is more than a fifth of the held-out ones, as long as smaller groups suffice.
LARGEST_GROUP = 5
# Few groups with many rows each would judge the model on one or two: take this many, or a tenth.
SPREAD = 10


@dataclass(frozen=True)
class Split:
    """
    Rows to learn from, rows that choose the best checkpoint, and rows for the verdict. No table is
    in two of them. `held_out_hash` (16 hexadecimal digits) stands for the set of held-out rows;
    `unused` counts rows that share a table with held-out or validation rows without being one.
    """

    training: list[Example]
    validation: list[Example]
    held_out: list[Example]
    held_out_hash: str
    unused: int = 0


def hold_out(examples: Sequence[Example], rows: int, limit: int = -1) -> Split:
    """
    Holds out at most `rows` of the examples, and trains on the first `limit` of those left (-1:
    all).

    A model that was trained on a schema is not tested by it (https://aclanthology.org/P18-1033/).
    So rows that share a table, directly or over other rows, stay together: they are a connected
    component. The components that are held out follow from a hash of their tables, not from
    `limit` or the order of rows; one so large that the rest would be too small never is.

    Args:
        examples: all rows of the data set, in the order in which they are to be trained on.
        rows: EVALUATION_ROWS; 0 holds out nothing, and has no validation rows either.
        limit: DATASET_LIMIT, which counts training rows alone.

    Raises:
        BadInput: no row can be held out, since each shares a table with most others.
    """
    if rows == 0:
        return Split(list(examples)[: None if limit == -1 else limit], [], [], held_out_hash([]))
    components = _components(examples)
    most = int(LARGEST_SHARE * len(examples))
    chosen = _choose(components, rows, int(HELD_OUT_SHARE * len(examples)))
    chosen = chosen or _choose(components, rows, most)
    if not chosen:
        raise BadInput(
            f"none of {len(examples)} rows can be held out: every table is in more than a fifth of "
            "them. Set EVALUATION_ROWS=0 to train without an evaluation"
        )
    taken = {number for component in chosen for number in component}
    wanted = max(1, min(VALIDATION_ROWS, len(examples) // 20))
    left = [component for component in components if component[0] not in taken]
    watched = _choose(left, wanted, most - len(taken))
    kept = taken | {number for component in watched for number in component}
    held_out = _sample(examples, chosen, rows)
    validation = _sample(examples, watched, wanted)
    training = [row for number, row in enumerate(examples) if number not in kept]
    if limit > len(training):
        print(f"DATASET_LIMIT={limit}: there are only {len(training)} to train on", flush=True)
    unused = len(kept) - len(held_out) - len(validation)
    fewer = f"EVALUATION_ROWS={rows}: only " if len(held_out) < rows else ""
    print(
        f"{fewer}{len(held_out)} rows are held out for the verdict, {len(validation)} for the "
        f"choice of the checkpoint; {unused} more share their tables and are not used",
        flush=True,
    )
    return Split(
        training[: None if limit == -1 else limit],
        validation,
        held_out,
        held_out_hash(held_out),
        unused,
    )


def held_out_hash(examples: Sequence[Example]) -> str:
    """16 hexadecimal digits over the ids of rows, whatever their order."""
    ids = "\n".join(sorted(example.id for example in examples))
    return hashlib.sha256(ids.encode()).hexdigest()[:16]


def _components(examples: Sequence[Example]) -> list[list[int]]:
    """Row numbers of each component, the components in the order of their hashes."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while (above := parent.setdefault(key, key)) != key:
            parent[key] = parent[above]  # halves the path, so that chains stay short
            key = above
        return key

    first = []
    for example in examples:
        keys = shared_keys(example)
        first.append(keys[0])
        for key in keys[1:]:
            left, right = sorted((root(keys[0]), root(key)))
            parent[right] = left  # the root is the first of all keys by name
    rows: dict[str, list[int]] = defaultdict(list)
    for number, key in enumerate(first):
        rows[root(key)].append(number)
    return [rows[name] for name in sorted(rows, key=_hash)]


def _choose(components: list[list[int]], rows: int, most: int) -> list[list[int]]:
    """
    Components with `rows` rows or more between them and at most `most`, small ones where they
    suffice: a large one costs training more rows than it adds to the verdict.
    """
    spread = min(SPREAD, rows, -(-len(components) // 10))
    largest, best, best_rows = max(rows // LARGEST_GROUP, 1), [], 0
    while True:
        chosen, taken = [], 0
        for component in components:
            if len(component) > largest or taken + len(component) > most:
                continue
            chosen.append(component)
            taken += len(component)
            if taken >= rows and len(chosen) >= spread:
                return chosen
        if taken > best_rows:
            best, best_rows = chosen, taken
        if largest >= most:
            return best
        largest *= 2


def _sample(examples: Sequence[Example], components: list[list[int]], rows: int) -> list[Example]:
    """At most `rows` of the components' rows; ids are hashes, so their order is a fair draw."""
    of_all = [examples[number] for component in components for number in component]
    return sorted(of_all, key=lambda example: example.id)[:rows]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
