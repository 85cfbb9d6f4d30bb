import json
from dataclasses import replace

import pytest
import torch
from tiny import RUN_ID, environment, rows, write_base, write_jsonl

from finetune.__main__ import main
from finetune.data.chat_examples import examples_of_chats
from finetune.data.encoding import prompt_ids
from finetune.data.example import Example
from finetune.data.row_checks import RowReport
from finetune.data.rows import Row
from finetune.evaluation.generation import in_order
from finetune.publishing import golden
from finetune.publishing.golden import golden_answers
from finetune.settings import read_settings
from finetune.training.base_model import load_model, load_tokenizer

CPU = torch.device("cpu")
TEMPLATE = "Question: {question}\nContext: {context}\nAnswer:"


def examples(count=4):
    return [
        Example(
            f"Question: {row['question']}\nContext: {row['context']}\nAnswer:",
            f" {row['answer']}",
            row["context"],
        )
        for row in rows()[:count]
    ]


def decided(base):
    """A model whose choices are clear: small random weights repeat one token whatever is asked."""
    model = load_model(base, CPU).float()
    torch.manual_seed(0)
    for weight in model.parameters():
        weight.data.normal_(std=0.5)
    return model.eval()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(golden, "LONGEST", 12)


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma2"])
def test_each_token_is_the_first_choice_with_its_log_probability(bases, shape):
    tokenizer, model = load_tokenizer(bases[shape]), decided(bases[shape])
    made = golden_answers(model, tokenizer, examples(), {}, TEMPLATE)
    assert made["add_special_tokens"] is True and made["template"] == TEMPLATE
    assert [row["id"] for row in made["prompts"]] == [row.id for row in in_order(examples())]
    for row in made["prompts"]:
        assert row["prompt_token_ids"] == tokenizer(row["prompt"])["input_ids"]
        ids = row["prompt_token_ids"]
        for token, logprob in zip(row["token_ids"], row["logprobs"], strict=True):
            last = model(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
            assert token == last.argmax() and row["gap"] == 0
            assert logprob == pytest.approx(last[token].item(), abs=1e-4)
            ids = [*ids, token]
        assert len(row["token_ids"]) == 12 or row["token_ids"][-1] == tokenizer.eos_token_id
        assert row["text"] == tokenizer.decode(row["token_ids"], skip_special_tokens=True)


def test_the_end_token_is_part_of_the_answer_and_nothing_follows_it(bases, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), decided(bases["llama"])
    row = examples(1)[0]
    free = golden_answers(model, tokenizer, [row], {}, TEMPLATE)["prompts"][0]["token_ids"]
    # Any token may end an answer: the model's own configuration says which.
    model.generation_config.eos_token_id = [free[3]]
    first = free.index(free[3])
    ended = golden_answers(model, tokenizer, [row], {}, TEMPLATE)["prompts"][0]
    assert ended["token_ids"] == free[: first + 1] and len(ended["logprobs"]) == first + 1


def test_an_answer_of_scoring_saves_the_generating_and_changes_nothing(bases, monkeypatch):
    tokenizer, model = load_tokenizer(bases["gemma"]), decided(bases["gemma"])
    rows_of_text = [replace(row, completion=" x") for row in examples()]
    known = golden_answers(model, tokenizer, rows_of_text, {}, TEMPLATE)["prompts"]
    generated = []
    go_on = golden._Greedy._go_on
    monkeypatch.setattr(golden._Greedy, "_go_on", lambda *a: generated.append(a) or go_on(*a))
    wrong = {row.id: "SELECT nothing" for row in rows_of_text}
    assert golden_answers(model, tokenizer, rows_of_text, wrong, TEMPLATE)["prompts"] == known
    assert len(generated) == len(rows_of_text)
    generated.clear()
    likely = iter([row["token_ids"] for row in known])
    monkeypatch.setattr(golden, "_likely", lambda *_: next(likely))
    assert golden_answers(model, tokenizer, rows_of_text, {}, TEMPLATE)["prompts"] == known
    assert generated == []


def test_the_answer_of_scoring_becomes_the_tokens_that_it_came_from(bases):
    tokenizer = load_tokenizer(bases["gemma"])
    row = examples(1)[0]
    prompt = prompt_ids(row, tokenizer)
    tokens = golden._likely(row, prompt, tokenizer, "SELECT ship_age FROM ship")
    assert tokenizer.decode(tokens) == " SELECT ship_age FROM ship<eos>"
    assert golden._likely(row, prompt, tokenizer, "") == []


def test_a_choice_within_the_rounding_of_bfloat16_is_kept(bases, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), decided(bases["llama"])
    row = examples(1)[0]
    prompt = prompt_ids(row, tokenizer)
    logprobs = torch.tensor([[-1.0, -1.1, -9.0], [-1.0, -3.0, -9.0]])
    reader = golden._Greedy(model, tokenizer)
    monkeypatch.setattr(reader, "_read", lambda *_: logprobs)
    tokens, found, gaps = reader._confirmed(prompt, [1])
    assert tokens == [1, 0] and found == pytest.approx([-1.1, -1.0])
    assert gaps == pytest.approx([0.1, 0.0])
    # What is further away is replaced, and nothing behind it counts.
    assert reader._confirmed(prompt, [2])[0] == [0]


def of_chat(tmp_path, set_environment, shape, *chats):
    """The golden answers of chats (columns of rows) on a tiny base of a shape."""
    base = write_base(tmp_path / "base", shape, shape)
    set_environment(environment(base, "/data", "/bucket", DATASET_FORMAT="messages"))
    tokenizer, model = load_tokenizer(base), decided(base)
    make = examples_of_chats(read_settings(), tokenizer, RowReport(len(chats)))
    asked = [row for number, chat in enumerate(chats) for row in make(Row(number, "", chat))]
    return golden_answers(model, tokenizer, asked, {}, TEMPLATE), tokenizer


CHAT = [{"role": "user", "content": "a ship?"}, {"role": "assistant", "content": "SELECT 1"}]


def test_a_chat_is_sent_without_special_tokens_and_with_its_messages(tmp_path, set_environment):
    made, tokenizer = of_chat(tmp_path, set_environment, "llama3", {"messages": CHAT})
    assert made["add_special_tokens"] is False and made["template"] is None
    (row,) = made["prompts"]
    ids = tokenizer(row["prompt"], add_special_tokens=False)["input_ids"]
    assert row["prompt_token_ids"] == ids and ids.count(2) == 1  # <bos>
    assert row["messages"] == CHAT[:1]


def test_a_chat_with_tools_has_no_messages_since_they_alone_give_another_prompt(
    tmp_path, set_environment
):
    tool = {"type": "function", "function": {"name": "sail", "parameters": {"type": "object"}}}
    chat = {"messages": CHAT, "tools": [tool]}
    made, _ = of_chat(tmp_path, set_environment, "qwen2", chat)
    assert "sail" in made["prompts"][0]["prompt"]
    assert "messages" not in made["prompts"][0]


def test_no_rows_no_golden_answers(bases):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    assert golden_answers(model, tokenizer, [], {}, TEMPLATE) is None


@pytest.fixture
def run_in(bases, tmp_path, set_environment, short, monkeypatch):
    """Starts a run whose version goes below tmp_path."""
    monkeypatch.setattr(golden, "LONGEST", 4)  # how long the answers are says nothing here
    dataset = write_jsonl(tmp_path / "data" / "train.jsonl", rows()).parent

    def start(**changes):
        set_environment(environment(bases["llama"], dataset, tmp_path / "bucket", **changes))
        return main()

    start.version = tmp_path / "bucket" / "tiny-sql" / RUN_ID
    start.kept = tmp_path / "bucket" / "checkpoints" / "tiny-sql" / RUN_ID
    return start


def test_a_version_has_them_in_its_manifest_also_when_a_later_attempt_publishes_it(
    run_in, monkeypatch, capsys
):
    def dies(*_):
        raise OSError("killed here")

    monkeypatch.setattr("finetune.phases.merging.merge", dies)
    assert run_in() == 1
    monkeypatch.undo()
    kept = (run_in.kept / "golden.json").read_bytes()
    capsys.readouterr()
    assert run_in() == 0
    assert "golden answers" not in capsys.readouterr().out  # none are made twice
    published = (run_in.version / "golden.json").read_bytes()
    assert published == kept
    content = json.loads(published)
    assert len(content["prompts"]) == 4 and content["format"] == 1
    files = json.loads((run_in.version / "manifest.json").read_text())["files"]
    assert [f["size"] for f in files if f["name"] == "golden.json"] == [len(published)]


def test_rows_to_train_on_serve_as_well_where_none_are_held_out(run_in):
    assert run_in(EVALUATION_ROWS="0", DATASET_LIMIT="40") == 0
    assert len(json.loads((run_in.version / "golden.json").read_text())["prompts"]) == 32


def test_a_version_is_published_without_them_where_they_cannot_be_made(run_in, monkeypatch, capsys):
    def fails(*_):
        raise TypeError("forward() got an unexpected keyword argument 'logits_to_keep'")

    monkeypatch.setattr("finetune.phases.evaluation.golden_answers", fails)
    assert run_in() == 0
    assert "warning: no golden answers: TypeError" in capsys.readouterr().out
    assert (run_in.version / "_SUCCESS").is_file()
    assert not (run_in.version / "golden.json").exists()
