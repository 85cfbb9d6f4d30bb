"""The sample data is honest: nothing that is asked was in the training."""

import re
import sqlite3
from dataclasses import replace

import pytest

import sample_data
from sample_queries import QUERIES
from sample_schemas import TABLES


@pytest.fixture(scope="module", params=[0, 7])
def seed(request: pytest.FixtureRequest) -> int:
    return request.param


def test_the_same_seed_gives_the_same_rows(seed: int) -> None:
    assert sample_data.training_rows(seed) == sample_data.training_rows(seed)
    assert sample_data.held_out_rows(seed) == sample_data.held_out_rows(seed)


def test_another_seed_gives_other_rows(seed: int) -> None:
    assert sample_data.training_rows(seed) != sample_data.training_rows(seed + 1)
    assert sample_data.held_out_rows(seed) != sample_data.held_out_rows(seed + 1)


def test_rows_have_the_columns_of_sql_create_context(seed: int) -> None:
    assert {tuple(row) for row in sample_data.training_rows(seed)} == {
        ("question", "context", "answer")
    }


def test_at_least_forty_templates_have_three_phrasings_and_a_held_out_one() -> None:
    assert len(QUERIES) >= 40
    assert {(len(query.phrasings), len(query.held_out)) for query in QUERIES} == {(3, 1)}


def test_joins_having_and_subqueries_are_among_them() -> None:
    sql = [query.sql for query in QUERIES]
    assert sum(" JOIN " in one for one in sql) >= 5
    assert sum(" HAVING " in one for one in sql) >= 3
    assert sum("(SELECT " in one for one in sql) >= 3


def test_every_phrasing_of_every_template_is_trained_on(seed: int) -> None:
    questions = [row["question"] for row in sample_data.training_rows(seed)]
    for query in QUERIES:
        for phrasing in query.phrasings:
            # The longest piece between two placeholders tells a phrasing from most others.
            piece = max(re.split(r"\{\w+\}", phrasing), key=len)
            assert any(piece in question for question in questions), phrasing


def test_no_training_row_has_a_held_out_phrasing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = [replace(query, held_out=("HELD OUT {t}",)) for query in QUERIES]
    monkeypatch.setattr(sample_data, "QUERIES", marked)
    assert not [row for row in sample_data.training_rows(seed) if "HELD OUT" in row["question"]]
    held_out = sample_data.held_out_rows(seed)
    assert all((row["phrasing"] == "new") == ("HELD OUT" in row["question"]) for row in held_out)


def test_no_training_row_names_a_held_out_table(seed: int) -> None:
    held_out = {table.name for table in TABLES.values() if table.held_out}
    for row in sample_data.training_rows(seed):
        created = tables(row["context"])
        assert created and not created & held_out


def test_every_held_out_row_asks_about_held_out_tables_alone(seed: int) -> None:
    training = {table.name for table in TABLES.values() if not table.held_out}
    rows = sample_data.held_out_rows(seed)
    assert len(rows) == 60
    assert {row["template"] for row in rows} == set(range(len(QUERIES)))
    assert all(not tables(str(row["context"])) & training for row in rows)


def test_half_of_the_held_out_rows_have_a_phrasing_of_no_training_row(seed: int) -> None:
    rows = sample_data.held_out_rows(seed)[1:]
    new = [row for row in rows if row["phrasing"] == "new"]
    assert len(new) == len(rows) // 2
    trained = {phrasing for query in QUERIES for phrasing in query.phrasings}
    assert not trained & {phrasing for query in QUERIES for phrasing in query.held_out}


def test_the_readme_example_is_held_out(seed: int) -> None:
    example = sample_data.held_out_rows(seed)[0]
    assert example["question"] == "How many singers are older than 30?"
    assert example["context"] == "CREATE TABLE singer (age INTEGER)"
    assert TABLES["singer"].held_out


def test_every_expected_query_runs_on_filled_tables(seed: int) -> None:
    for row in [*sample_data.training_rows(seed), *sample_data.held_out_rows(seed)]:
        database = sqlite3.connect(":memory:")
        database.executescript(str(row["context"]))
        for table in tables(str(row["context"])):
            columns = database.execute(f"PRAGMA table_info({table})").fetchall()
            places = ", ".join("?" * len(columns))
            database.executemany(
                f"INSERT INTO {table} VALUES ({places})", [[n] * len(columns) for n in range(5)]
            )
        database.execute(str(row["answer"])).fetchall()
        database.close()


def test_no_placeholder_is_left_in_a_row(seed: int) -> None:
    for row in [*sample_data.training_rows(seed), *sample_data.held_out_rows(seed)]:
        assert "{" not in row["question"] + row["context"] + row["answer"]


def tables(context: str) -> set[str]:
    return {part.split()[2] for part in context.split("; ")}
