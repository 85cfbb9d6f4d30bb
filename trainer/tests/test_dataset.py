import json

import pytest
from tiny import environment, rows, write_jsonl

from finetune.data.dataset import load_examples
from finetune.data.source import Unreachable
from finetune.settings import read_settings
from finetune.verdict import BadInput


@pytest.fixture
def load(set_environment, tmp_path):
    def load_dataset(dataset, **changes):
        set_environment(environment("/base", dataset, "/bucket", **changes))
        return load_examples(read_settings(), tmp_path / "scratch")

    return load_dataset


def test_rows_stand_in_the_templates(load, tmp_path):
    examples = load(write_jsonl(tmp_path / "a.jsonl", rows(1, 1))).rows
    assert examples[0].prompt == (
        "Question: Which ship is older than 0?\n"
        "Context: CREATE TABLE ship (ship_name VARCHAR, ship_age INTEGER)\nAnswer:"
    )
    assert examples[0].completion == " SELECT ship_name FROM ship WHERE ship_age > 0"


def test_braces_of_a_row_are_no_placeholders(load, tmp_path):
    row = {"question": "{answer}", "context": "{0}", "answer": "{}"}
    examples = load(write_jsonl(tmp_path / "a.jsonl", [row])).rows
    assert examples[0].prompt == "Question: {answer}\nContext: {0}\nAnswer:"


def test_a_folder_a_file_and_a_bucket_give_the_same_rows_and_the_same_state(load, tmp_path, cloud):
    path = write_jsonl(tmp_path / "data" / "rows.jsonl", rows())
    cloud.objects["data", "sets/one/rows.jsonl"] = path.read_bytes()
    cloud.objects["data", "sets/one/old/rows.jsonl"] = b"not read"
    loaded = [load(path), load(path.parent), load("gs://data/sets/one/")]
    assert loaded[0] == loaded[1] == loaded[2]
    assert loaded[0].resolved.startswith("content:")


def test_only_the_file_of_the_split_is_read_where_there_is_one(load, tmp_path):
    write_jsonl(tmp_path / "data" / "train.jsonl", rows(1, 2))
    write_jsonl(tmp_path / "data" / "test.jsonl", rows(2, 3))
    assert len(load(tmp_path / "data").rows) == 2
    assert len(load(tmp_path / "data", DATASET_SPLIT="test").rows) == 6


def test_a_limit_takes_the_rows_that_the_codelab_would_take(load, tmp_path):
    from datasets import Dataset

    everything = rows()
    path = write_jsonl(tmp_path / "a.jsonl", everything)
    expected = Dataset.from_list(everything).shuffle(seed=42).select(range(7))["answer"]
    assert [row.completion for row in load(path, DATASET_LIMIT="7").rows] == [
        f" {answer}" for answer in expected
    ]
    assert len(load(path, DATASET_LIMIT="5000").rows) == len(everything)


def test_columns_may_have_other_names(load, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"q": "Why?", "sql": "SELECT 1"}])
    columns = json.dumps({"question": "q", "answer": "sql"})
    examples = load(path, DATASET_COLUMNS=columns, PROMPT_TEMPLATE="Q: {question}\nA:").rows
    assert (examples[0].prompt, examples[0].completion) == ("Q: Why?\nA:", " SELECT 1")
    assert examples[0].context == examples[0].prompt


@pytest.mark.parametrize(
    ("lines", "changes", "message"),
    [
        ([], {}, "has no row in split train"),
        ([{"question": "a", "answer": "b"}], {}, "names the column context, which"),
        (
            [{"question": "a", "context": None, "answer": "b"}],
            {},
            "column context is empty in row 1",
        ),
        (rows(1, 1), {"DATASET_SPLIT": "validation"}, "has no validation.jsonl"),
        (["text"], {}, "line 1 of a.jsonl is not a JSON object"),
    ],
)
def test_fails_when_the_data_set_cannot_be_trained_on(load, tmp_path, lines, changes, message):
    with pytest.raises(BadInput) as error:
        load(write_jsonl(tmp_path / "a.jsonl", lines), **changes)
    assert message in str(error.value)


def test_fails_when_a_line_is_not_json(load, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": 1}\n{"question"\n', "utf-8")
    with pytest.raises(BadInput, match="line 2 of a.jsonl is not JSON"):
        load(path)


def test_fails_when_nothing_is_there_in_a_way_that_an_upload_mends(load, tmp_path, cloud):
    for name in (tmp_path / "missing", "gs://data/missing"):
        with pytest.raises(Unreachable, match="holds no file ending in .jsonl"):
            load(name)
