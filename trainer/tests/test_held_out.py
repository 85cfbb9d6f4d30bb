import random
import time

import pytest
from tiny import rows

from finetune.data.example import Example
from finetune.data.held_out import hold_out
from finetune.data.shared_tables import shared_keys
from finetune.verdict import BadInput


def examples(lines):
    return [Example(row["question"], row["answer"], row["context"]) for row in lines]


def keys(rows_of_split):
    return {key for row in rows_of_split for key in shared_keys(row)}


def parts(split):
    return [split.training, split.validation, split.held_out]


def assert_apart(split):
    for left, right in ((0, 1), (0, 2), (1, 2)):
        assert not keys(parts(split)[left]) & keys(parts(split)[right])


def joined(*contexts):
    return Example(f"join {contexts}", "SELECT 1", "; ".join(contexts))


def test_no_table_is_on_two_sides():
    # One table cut in two ways, and a join that touches two tables.
    lines = rows(16, 6)
    wider = lines[0]["context"].replace(", ship_age", ", ship_city VARCHAR, ship_age")
    lines += [{**row, "context": wider} for row in lines[:6]]
    join = f"{lines[0]['context']}; {lines[9]['context']}"
    lines.append({"question": "?", "answer": "?", "context": join})
    split = hold_out(examples(lines), 10)
    assert len(split.held_out) == 10 and split.training and split.validation
    assert_apart(split)


@pytest.mark.parametrize("seed", range(20))
def test_no_table_is_on_two_sides_of_a_random_data_set(seed):
    rng = random.Random(seed)
    tables = [f"CREATE TABLE thing_{number} (a INTEGER)" for number in range(150)]
    lines = [joined(*rng.sample(tables, rng.choice((1, 1, 1, 2)))) for _ in range(200)]
    lines = list({line.id: line for line in lines}.values())
    split = hold_out(lines, 20)
    assert_apart(split)
    assert len(lines) - len(split.training) <= len(lines) / 5
    assert len(split.training) + len(split.validation) + len(split.held_out) + split.unused == len(
        lines
    )


def test_rows_that_are_linked_over_other_rows_stay_together():
    chain = [
        joined(f"CREATE TABLE link_{number} (a INT)", f"CREATE TABLE link_{number + 1} (a INT)")
        for number in range(10)
    ]
    split = hold_out([*chain, *examples(rows(16, 20))], 40)
    for part in parts(split):
        assert len([row for row in part if "link_" in row.context]) in (0, 10)


def test_a_name_that_says_nothing_counts_with_its_columns():
    def key(context):
        return shared_keys(Example("q", "a", context))

    generic = key("CREATE TABLE table_name_42 (year VARCHAR, team DECIMAL(10,2))")
    assert generic == key('create table "table_name_42" ("team" VARCHAR, Year INTEGER)')
    assert generic != key("CREATE TABLE table_name_42 (year VARCHAR)")
    assert generic != key("CREATE TABLE table_name_41 (year VARCHAR, team VARCHAR)")
    for name in ("head", "table_11206916_1", "singer_in_concert"):
        assert key(f"CREATE TABLE {name} (a INT)") == key(f"CREATE TABLE {name.upper()} (b INT)")


def test_the_choice_depends_on_neither_the_order_of_rows_nor_the_limit():
    lines = examples(rows(16, 4))
    shuffled = random.Random(1).sample(lines, len(lines))
    first, second, third = hold_out(lines, 8), hold_out(shuffled, 8), hold_out(lines, 8, 5)
    assert first.held_out == second.held_out == third.held_out
    assert first.validation == second.validation == third.validation
    assert first.held_out_hash == second.held_out_hash == third.held_out_hash
    assert third.training == first.training[:5]


def test_the_limit_counts_training_rows_in_the_order_they_came_in():
    lines = examples(rows(16, 4))
    split = hold_out(lines, 8, 20)
    kept = [row for row in lines if row not in split.held_out + split.validation]
    assert len(split.training) == 20
    assert split.training == [row for row in kept if row in split.training]
    assert split.training[0] == kept[0]


def test_another_set_of_held_out_rows_has_another_hash():
    lines = examples(rows(16, 20))
    assert hold_out(lines, 20).held_out_hash != hold_out(lines, 30).held_out_hash


def test_held_out_rows_come_from_several_schemas():
    assert len(keys(hold_out(examples(rows(16, 50)), 20).held_out)) >= 2


def test_a_giant_component_is_trained_on():
    giant = [joined("CREATE TABLE hub (a INT)", f"CREATE TABLE s_{n} (a INT)") for n in range(300)]
    small = [joined(f"CREATE TABLE other_{number // 2} (a INT)") for number in range(200)]
    small = [Example(f"{n} {row.prompt}", "", row.context) for n, row in enumerate(small)]
    split = hold_out(giant + small, 50)
    assert set(giant) <= set(split.training)
    assert len(split.held_out) == 50 and len(split.validation) == 25


def test_contexts_without_tables_that_differ_in_spaces_and_case_are_one():
    lines = [Example("q", f"a{number}", f"A  Schema {number}") for number in range(10)]
    lines = [
        Example(f"{row.context} {n}", row.completion, row.context)
        for n, row in enumerate(
            [*lines, *(Example("q", "a", f"a schema {number}") for number in range(10))]
        )
    ]
    assert_apart(hold_out(lines, 2))


def test_equal_questions_without_a_context_are_not_on_two_sides():
    lines = [Example(f"What  is {number % 40}?", f"answer {number}") for number in range(120)]
    split = hold_out(lines, 10)
    assert split.held_out
    assert_apart(split)


@pytest.mark.parametrize("count", [5, 12, 40, 64, 200])
def test_at_most_a_fifth_of_the_rows_is_kept_from_training(capsys, count):
    lines = [joined(f"CREATE TABLE only_{number} (a INT)") for number in range(count)]
    split = hold_out(lines, 60)
    assert len(split.training) >= 0.8 * count
    assert f"only {len(split.held_out)} rows are held out" in capsys.readouterr().out


def test_without_an_evaluation_every_row_is_trained_on():
    lines = examples(rows(1, 3))
    assert parts(hold_out(lines, 0)) == [lines, [], []]
    assert parts(hold_out(lines, 0, 2)) == [lines[:2], [], []]


def test_a_data_set_of_the_tutorials_size_is_split_in_seconds():
    rng = random.Random(0)
    columns = [f"column_{number}" for number in range(60)]
    lines = []
    for number in range(78_577):
        kind = rng.random()
        wide = ", ".join(f"{name} VARCHAR" for name in rng.sample(columns, 3))
        if kind < 0.5:
            context = f"CREATE TABLE table_name_{number % 100} ({wide})"
        elif kind < 0.9:
            context = f"CREATE TABLE table_{rng.randrange(10_000)}_1 ({wide})"
        else:
            names = rng.sample(range(1_000), rng.choice((1, 2, 3)))
            context = "; ".join(f"CREATE TABLE entity_{name} ({wide})" for name in names)
        lines.append(Example(f"question {number}", "SELECT 1", context))
    started = time.process_time()  # of this process: other tests run beside it
    split = hold_out(lines, 500, 1000)
    assert time.process_time() - started < 10
    assert (len(split.held_out), len(split.validation), len(split.training)) == (500, 64, 1000)
    assert_apart(split)
    assert split.unused < 200


@pytest.mark.parametrize("lines", [examples(rows(1, 30)), examples(rows(4, 1)), []])
def test_fails_when_no_row_can_be_held_out(lines):
    with pytest.raises(BadInput, match="Set EVALUATION_ROWS=0"):
        hold_out(lines, 5)
