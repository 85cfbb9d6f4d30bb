"""Makes the rehearsal's sample data: questions, CREATE TABLE statements and SQL.

    python sample_data.py FOLDER --seed N

Writes train.jsonl and held-out.jsonl (the columns of b-mc2/sql-create-context: question, context,
answer). The same seed gives the same bytes. It is sample data: made here from templates, so a score
on it says that the flow works, and nothing about real questions.
"""

import argparse
import json
import random
import re
from pathlib import Path

from sample_queries import COMPARED, QUERIES, Query
from sample_schemas import TABLES, Table

TRAINING_ROWS = 450
HELD_OUT_ROWS = 60

# The README's example. Its table is held out.
EXAMPLE = {
    "question": "How many singers are older than 30?",
    "context": "CREATE TABLE singer (age INTEGER)",
    "answer": "SELECT COUNT(*) FROM singer WHERE age > 30",
    "template": 3,
    "phrasing": "seen",
}


def fitting(query: Query, table: Table) -> bool:
    """Whether a template can be asked about a table."""
    return (table.parent is not None or not query.joins) and (
        not query.compares or any(column in COMPARED for column in table.numbers)
    )


def create_table(table: Table, used: set[str], links: list[str], rng: random.Random) -> str:
    """The statement with the used columns and up to two others, which must not distract."""
    columns = {name: "VARCHAR" for name in table.texts} | {
        name: "INTEGER" for name in table.numbers
    }
    others = [name for name in columns if name not in used]
    # At least one column: no database takes a table without any.
    used = used if used or links else {table.key}
    shown = used | set(rng.sample(others, min(rng.choice((0, 0, 1, 1, 2)), len(others))))
    parts = [f"{link} INTEGER" for link in links]
    parts += [f"{name} {kind}" for name, kind in columns.items() if name in shown]
    return f"CREATE TABLE {table.name} ({', '.join(parts)})"


def row(query: Query, table: Table, phrasing: str, rng: random.Random) -> dict[str, str]:
    """One question about one table, with its context and its SQL."""
    c = table.key if rng.random() < 0.6 else rng.choice(list(table.texts))
    d = rng.choice([name for name in table.texts if name != c])
    n = rng.choice([name for name in table.numbers if name in COMPARED or not query.compares])
    low, high = table.numbers[n]
    x, y = sorted(rng.sample(range(low, high + 1), 2))
    v, w = rng.sample(table.texts[d], 2)
    z = rng.choice(table.texts[c])
    values = {
        "t": table.name, "P": table.plural, "S": table.singular, "c": c, "d": d, "n": n,
        "v": v, "w": w, "x": x, "y": y, "z": z, "k": rng.randint(2, 9),
        "a": z[0],
    }  # fmt: skip
    if n in COMPARED:
        values |= dict(zip(("more", "less", "most", "least"), COMPARED[n], strict=True))
    parents: list[str] = []
    used = {column for mark, column in (("{c}", c), ("{d}", d), ("{n}", n)) if mark in query.sql}
    context = ""
    if query.joins and table.parent:
        parent = TABLES[table.parent]
        values |= {"T": parent.name, "Q": parent.plural, "R": parent.singular, "e": parent.key}
        values["u"] = rng.choice(parent.texts[parent.key])
        parents = [f"{parent.name}_id"]
        context = "; " + create_table(parent, {parent.key}, ["id"], rng)
    spoken = {key: str(value).replace("_", " ") for key, value in values.items()}
    return {
        "question": re.sub(r"\ba (?=[aeiou])", "an ", phrasing.format_map(spoken)),
        "context": create_table(table, used, parents, rng) + context,
        "answer": query.sql.format_map(values),
    }


def training_rows(seed: int) -> list[dict[str, str]]:
    """Rows over the training tables, every template and training phrasing equally often."""
    rng = random.Random(f"training {seed}")
    tables = [table for table in TABLES.values() if not table.held_out]
    rows = []
    while len(rows) < TRAINING_ROWS:
        turn, number = divmod(len(rows), len(QUERIES))
        query = QUERIES[number]
        table = rng.choice([table for table in tables if fitting(query, table)])
        rows.append(row(query, table, query.phrasings[turn % len(query.phrasings)], rng))
    rng.shuffle(rows)
    return rows


def held_out_rows(seed: int) -> list[dict[str, str | int]]:
    """The README's example and rows of every template, over the held-out tables.

    Half of them, drawn by the seed, have a held-out phrasing. Beside the columns of training rows
    they have `template` and `phrasing` ("seen" or "new").
    """
    rng = random.Random(f"held out {seed}")
    tables = [table for table in TABLES.values() if table.held_out]
    numbers = list(range(len(QUERIES)))
    numbers += sorted(rng.sample(numbers, HELD_OUT_ROWS - 1 - len(numbers)))
    kinds = ["seen", "new"] * len(numbers)
    kinds = kinds[: len(numbers)]
    rng.shuffle(kinds)
    rows: list[dict[str, str | int]] = [EXAMPLE]
    for number, kind in zip(numbers, kinds, strict=True):
        query = QUERIES[number]
        table = rng.choice([table for table in tables if fitting(query, table)])
        phrasing = rng.choice(query.held_out if kind == "new" else query.phrasings)
        rows.append({**row(query, table, phrasing, rng), "template": number, "phrasing": kind})
    return rows


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("train", training_rows(arguments.seed)),
        ("held-out", held_out_rows(arguments.seed)),
    ):
        lines = "".join(json.dumps(made) + "\n" for made in rows)
        (arguments.folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
