import random

import pytest
from tiny import rows

from finetune.data.dataset import Example
from finetune.data.held_out import TABLE, hold_out
from finetune.verdict import BadInput


def examples(lines):
    return [Example(row["question"], row["answer"], row["context"]) for row in lines]


def tables(rows_of_split):
    return {table.lower() for row in rows_of_split for table in TABLE.findall(row.context)}


def test_no_table_of_a_held_out_row_is_trained_on():
    # One table cut in two ways, and a join that touches two tables.
    lines = rows(16, 6)
    wider = lines[0]["context"].replace(", ship_age", ", ship_city VARCHAR, ship_age")
    lines += [{**row, "context": wider} for row in lines[:6]]
    join = f"{lines[0]['context']}; {lines[9]['context']}"
    lines.append({"question": "?", "answer": "?", "context": join})
    training, held_out = hold_out(examples(lines), 10)
    assert len(held_out) == 10
    assert training and not tables(training) & tables(held_out)


def test_the_choice_does_not_depend_on_the_order_of_rows():
    lines = rows(16, 4)
    shuffled = random.Random(1).sample(lines, len(lines))
    first, second = hold_out(examples(lines), 8)[1], hold_out(examples(shuffled), 8)[1]
    assert tables(first) == tables(second)


def test_held_out_rows_come_from_several_schemas():
    assert len(tables(hold_out(examples(rows(16, 50)), 20)[1])) >= 2


def test_contexts_that_differ_in_spaces_and_case_are_one_schema():
    lines = [Example("q", "a", f"A  Schema {number}") for number in range(10)]
    lines += [Example("q", "a", f"a schema {number}") for number in range(10)]
    training, held_out = hold_out(lines, 2)
    kept = {" ".join(row.context.lower().split()) for row in training}
    assert not kept & {" ".join(row.context.lower().split()) for row in held_out}


def test_at_most_a_fifth_of_the_rows_is_kept_from_training(capsys):
    training, held_out = hold_out(examples(rows(16, 4)), 60)
    assert len(training) >= 0.8 * 64
    assert f"only {len(held_out)} rows are held out" in capsys.readouterr().out


def test_without_an_evaluation_every_row_is_trained_on():
    assert hold_out(examples(rows(1, 3)), 0) == (examples(rows(1, 3)), [])


def test_fails_when_all_rows_are_about_one_schema():
    with pytest.raises(BadInput, match="Set EVALUATION_ROWS=0"):
        hold_out(examples(rows(1, 30)), 5)
