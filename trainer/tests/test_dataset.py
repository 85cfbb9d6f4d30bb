import json
import re
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from tiny import environment, rows, write_jsonl, write_tokenizer

from finetune.data.dataset import load_examples
from finetune.data.held_out import hold_out
from finetune.data.row_checks import REPAIRED
from finetune.data.source import Unreachable
from finetune.data.special_text import SpecialText
from finetune.settings import read_settings
from finetune.verdict import BadInput


@pytest.fixture
def load(set_environment, tmp_path):
    def load_dataset(dataset, tokenizer=None, **changes):
        set_environment(environment("/base", dataset, "/bucket", **changes))
        return load_examples(read_settings(), tmp_path / "scratch", tokenizer)

    return load_dataset


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"), "gemma")


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


def test_rows_come_in_the_order_of_the_codelab_and_a_limit_takes_the_first(load, tmp_path):
    from datasets import Dataset

    everything = rows()
    path = write_jsonl(tmp_path / "a.jsonl", everything)
    expected = Dataset.from_list(everything).shuffle(seed=42)["answer"]
    found = load(path, DATASET_LIMIT="7").rows
    assert [row.completion for row in found] == [f" {answer}" for answer in expected]
    assert hold_out(found, 0, 7).training == found[:7]


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
            "no usable row; 1 of 1 rows dropped: 1 empty (a field is missing or blank); the first "
            "is line 1 of a.jsonl (column context is missing): ",
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
    with pytest.raises(BadInput, match="line 2 of a.jsonl is not JSON .*at character 13"):
        load(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"[1, 2]", "is not a JSON object: [1, 2]"),
    ],
    ids=["no UTF-8", "nested", "a list"],
)
def test_fails_when_a_line_cannot_be_a_row(load, tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"question": 1}\n\n' + line + b"\n")
    with pytest.raises(BadInput) as error:
        load(path)
    assert f"line 3 of a.jsonl {message}" in str(error.value)


def test_files_of_other_editors_are_read_alike(load, tmp_path):
    plain = load(write_jsonl(tmp_path / "a.jsonl", rows(2, 3)))
    lines = [json.dumps(row).encode() for row in rows(2, 3)]
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines))
    assert load(path).rows == plain.rows


def test_a_line_separator_of_unicode_ends_no_line(load, tmp_path):
    row = {**rows(1, 1)[0], "question": "One\u2028two\x85three\x0cfour"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert "One\u2028two\x85three\x0cfour" in load(path).rows[0].prompt


def test_values_that_are_no_texts_are_shown_as_json_or_as_numbers(load, tmp_path):
    path = tmp_path / "a.jsonl"
    digits = "9" * 5000
    path.write_text(f'{{"question": {digits}, "context": {{"a": [1, "é"]}}, "answer": 7}}', "utf-8")
    example = load(path).rows[0]
    assert example.prompt == f'Question: {digits}\nContext: {{"a": [1, "é"]}}\nAnswer:'
    assert example.completion == " 7"


@pytest.mark.parametrize("answer", ["", " \t\n", "\x00", "\u200b\ufeff", None])
def test_a_row_with_nothing_to_see_in_a_field_is_dropped_and_counted(load, tmp_path, answer):
    found = load(write_jsonl(tmp_path / "a.jsonl", [*rows(1, 2), {**rows()[0], "answer": answer}]))
    assert found.report.dropped == {"empty": 1} and len(found.rows) == 2
    assert found.report.first.startswith("line 3 of a.jsonl (column answer is ")


def test_half_a_surrogate_pair_is_replaced(load, tmp_path, tokenizer):
    row = {**rows(1, 1)[0], "question": "\ud83d\x00?"}
    found = load(write_jsonl(tmp_path / "a.jsonl", [row]), tokenizer)
    assert found.rows[0].prompt.startswith("Question: \ufffd\x00?")
    assert found.report.noted == {REPAIRED: 1}


def test_doubled_rows_are_dropped_and_conflicting_ones_reported(load, tmp_path):
    first, *others = rows(1, 4)
    lines = [first, *others, first, {**first, "answer": "SELECT 1"}]
    report = load(write_jsonl(tmp_path / "a.jsonl", lines)).report
    assert (report.read, report.kept, report.dropped) == (6, 5, {"doubled": 1})
    assert "line 5 of a.jsonl (it says the same as line 1 of a.jsonl)" in report.first
    assert report.noted == {"another row has the same prompt and another answer": 2}
    # Lines of the log: whoever may read it may not read the data.
    assert not any(first["question"] in line for line in report.lines())
    assert first["question"] not in str(asdict(report))


def test_rows_that_are_too_long_are_dropped_however_long_they_are(load, tmp_path, tokenizer):
    lines = rows(1, 5)
    lines += [{**lines[0], "question": "word " * 60}, {**lines[0], "question": "x" * 1_000_000}]
    report = load(write_jsonl(tmp_path / "a.jsonl", lines), tokenizer, MAX_SEQ_LENGTH="64").report
    assert report.dropped == {"too long": 2}
    assert re.match(r"line 6 of a.jsonl \(\d+ tokens; MAX_SEQ_LENGTH is 64\)", report.first)


def test_fails_when_more_than_half_of_the_rows_would_be_dropped(load, tmp_path, tokenizer, capsys):
    lines = rows(1, 2) + [{**row, "question": "long " * 99} for row in rows(2, 4)[4:7]]
    with pytest.raises(BadInput) as error:
        load(write_jsonl(tmp_path / "a.jsonl", lines), tokenizer)
    message = str(error.value)
    assert "only 2 of 5 rows are usable; 3 of 5 rows dropped: 3 too long" in message
    assert "the first is line 3 of a.jsonl" in message


def test_fails_when_a_column_has_another_name_and_names_the_closest(load, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"Question": "a", "context": "b", "answer": "c"}])
    with pytest.raises(BadInput) as error:
        load(path)
    assert "it has Question, answer, context; did you mean Question?" in str(error.value)


def test_plain_prompt_and_completion_columns_are_a_matter_of_settings(load, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"prompt": "2 + 2 =", "completion": " 4"}])
    example = load(
        path,
        DATASET_COLUMNS='{"prompt": "prompt", "completion": "completion"}',
        PROMPT_TEMPLATE="{prompt}",
        COMPLETION_TEMPLATE="{completion}",
    ).rows[0]
    assert (example.prompt, example.completion) == ("2 + 2 =", " 4")


def test_an_end_token_of_a_row_is_learnt_once_and_never_in_mid_answer(load, tmp_path, tokenizer):
    first, second, third = rows(1, 3)
    lines = [
        {**first, "answer": "SELECT 1<eos>"},
        {**second, "answer": "SELECT <eos> 1"},
        {**third, "question": "What is <eos>?"},
    ]
    found = load(write_jsonl(tmp_path / "a.jsonl", lines), tokenizer)
    assert [row.completion for row in found.rows if "0" in row.prompt] == [" SELECT 1"]
    assert found.report.dropped == {"ends early": 1}
    assert list(found.report.noted) == [SpecialText.NOTE]


def test_a_beginning_of_text_in_a_row_is_left_to_the_tokenizer(load, tmp_path, tokenizer):
    lines = [{"prompt": "<bos>Why?", "completion": " So."}]
    columns = {
        "DATASET_COLUMNS": '{"prompt": "prompt", "completion": "completion"}',
        "PROMPT_TEMPLATE": "{prompt}",
        "COMPLETION_TEMPLATE": "{completion}",
    }
    found = load(write_jsonl(tmp_path / "a.jsonl", lines), tokenizer, **columns)
    assert found.rows[0].prompt == "Why?"
    with pytest.raises(BadInput, match="PROMPT_TEMPLATE begins with <bos>"):
        load(tmp_path / "a.jsonl", tokenizer, **{**columns, "PROMPT_TEMPLATE": "<bos>{prompt}"})


def test_a_row_keeps_its_id_wherever_it_stands(load, tmp_path):
    before = load(write_jsonl(tmp_path / "a.jsonl", rows(3, 2))).rows
    after = load(write_jsonl(tmp_path / "b.jsonl", rows(4, 2)[::-1])).rows
    assert {row.id for row in before} < {row.id for row in after}
    assert all(len(row.id) == 12 for row in after)


def test_fails_when_nothing_is_there_in_a_way_that_an_upload_mends(load, tmp_path, cloud):
    for name in (tmp_path / "missing", "gs://data/missing"):
        with pytest.raises(Unreachable, match="holds no file ending in .jsonl"):
            load(name)


@pytest.fixture
def hub(monkeypatch):
    """A data set of the Hub with a split, loaded at the commit that was resolved."""
    import datasets
    import huggingface_hub

    class Api:
        def dataset_info(self, name, revision):
            return SimpleNamespace(sha="d" * 40)

    def load_dataset(name, revision):
        assert revision == "d" * 40
        lines = [{**row, "db_id": number} for number, row in enumerate(rows(2, 3))]
        return datasets.DatasetDict(training=datasets.Dataset.from_list(lines))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


def test_rows_of_the_hub_are_those_of_a_file(load, tmp_path, hub):
    in_a_file = load(write_jsonl(tmp_path / "a.jsonl", rows(2, 3)))
    found = load("owner/rows", DATASET_SPLIT="training", DATASET_REVISION="d" * 40)
    assert found.rows == in_a_file.rows
    assert found.resolved == "d" * 40


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "which has training; did you mean training?"),
        (
            {"DATASET_SPLIT": "training", "DATASET_COLUMNS": '{"question": "db", "answer": "q"}'},
            "it has answer, context, db_id, question; did you mean db_id?",
        ),
    ],
)
def test_fails_when_the_hub_has_no_such_split_or_column(load, hub, changes, message):
    with pytest.raises(BadInput) as error:
        load("owner/rows", PROMPT_TEMPLATE="{question}", **changes)
    assert message in str(error.value)


def test_fails_when_a_data_set_of_the_hub_has_several_configurations(load, hub, monkeypatch):
    import datasets

    def load_dataset(name, revision):
        raise ValueError("Config name is missing.\nPlease pick one among ['main', 'socratic']")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(BadInput, match="Config name is missing"):
        load("owner/rows")


def test_fails_when_the_hub_is_not_reached_in_a_way_that_a_later_try_mends(load):
    with pytest.raises(Unreachable, match="DATASET_NAME=b-mc2/sql-create-context: "):
        load("b-mc2/sql-create-context")
