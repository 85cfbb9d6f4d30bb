import json
import time

import pytest
import torch
from tiny import environment, rows, schemas

from finetune.data.encoding import IGNORED, encode, prompt_ids
from finetune.data.example import Example
from finetune.evaluation.evaluation import evaluate, evaluate_base
from finetune.evaluation.examples_in_prompt import choose_examples, with_examples
from finetune.evaluation.generation import Generator, in_order
from finetune.evaluation.held_out_loss import held_out_loss
from finetune.evaluation.scoring import score_row, summary
from finetune.evaluation.scoring_time import scoring_seconds
from finetune.settings import read_settings
from finetune.training.base_model import load_model, load_tokenizer

CPU = torch.device("cpu")


def examples(count=8):
    return [
        Example(
            f"Question: {row['question']}\nContext: {row['context']}\nAnswer:",
            f" {row['answer']}",
            row["context"],
        )
        for row in rows()[:count]
    ]


@pytest.fixture
def settings(set_environment):
    set_environment(environment("/base", "/data", "/bucket"))
    return read_settings()


class Scripted:
    """Answers every prompt by what a script says, at a speed of its own."""

    def __init__(self, monkeypatch, script, seconds=0.0):
        self.batches = []

        def batch(generator, prompts, new_tokens):
            self.batches.append(len(prompts))
            time.sleep(seconds * len(prompts))
            return [script(generator.tokenizer.decode(prompt)) for prompt in prompts]

        monkeypatch.setattr(Generator, "_batch", batch)


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma2"])
def test_a_batch_gives_each_row_the_answer_it_has_alone(bases, shape):
    tokenizer = load_tokenizer(bases[shape])
    model = load_model(bases[shape], CPU).double()
    torch.manual_seed(0)  # small random weights repeat one token whatever they are asked
    for weight in model.parameters():
        weight.data.normal_(std=0.5)
    asked = examples(6)
    batched = Generator(model, tokenizer, 6).answers(asked, 60)
    for example in asked:
        ids = torch.tensor([prompt_ids(example, tokenizer)])
        for _ in range(20):
            step = model(input_ids=ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)
            ids = torch.cat([ids, step], 1)
            if step.item() == tokenizer.eos_token_id:
                break
        alone = tokenizer.decode(
            ids[0, len(prompt_ids(example, tokenizer)) :], skip_special_tokens=True
        )
        assert batched[example.id].startswith(alone)
    assert len(set(batched.values())) > 1


@pytest.mark.parametrize("shape", ["llama", "gemma2"])
def test_the_loss_is_that_of_the_completions_alone(bases, shape):
    tokenizer, model = load_tokenizer(bases[shape]), load_model(bases[shape], CPU).float()
    total, tokens = 0.0, 0
    for row in encode(examples(), tokenizer):
        ids, labels = torch.tensor([row.input_ids]), torch.tensor(row.labels)[1:]
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].double()
        wanted = labels != IGNORED
        total += torch.nn.functional.cross_entropy(
            logits[wanted], labels[wanted], reduction="sum"
        ).item()
        tokens += int(wanted.sum())
    measured = held_out_loss(model, tokenizer, examples(), 256, 3)
    assert measured == pytest.approx(total / tokens, rel=1e-5)


def test_right_answers_count_and_each_share_has_its_interval(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    held_out = examples(10)
    right = {row.prompt: row.completion for row in held_out[:6]}
    lower = {row.prompt: row.completion.lower() for row in held_out[6:8]}
    Scripted(monkeypatch, lambda prompt: {**right, **lower}.get(prompt, "no query"))
    metrics = evaluate(model, tokenizer, held_out, settings).metrics
    assert (metrics["exact_match"], metrics["execution_match"]) == (0.6, 0.8)
    assert (metrics["normalized_match"], metrics["parses"]) == (0.8, 0.8)
    assert metrics["execution_match_interval"] == [0.4902, 0.9433]
    assert (metrics["held_out_rows"], metrics["scored_rows"]) == (10, 10)
    assert metrics["held_out_ids"] == sorted(row.id for row in held_out)
    assert metrics["held_out_loss"] > 0
    assert (metrics["executed_rows"], metrics["gold_empty_rows"]) == (10, 0)


def test_rows_of_a_result_name_their_example(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    Scripted(monkeypatch, lambda prompt: " SELECT 1")
    result = evaluate(model, tokenizer, examples(4), settings)
    assert [row["id"] for row in result.rows] == [row.id for row in in_order(examples(4))]
    assert {row["answer"] for row in result.rows} == {"SELECT 1"}
    assert json.loads(json.dumps(result.as_json()))["rows"] == result.rows


def test_a_budget_cuts_the_rows_to_a_sample_but_not_below_thirty(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    held_out = examples(60)
    Scripted(monkeypatch, lambda prompt: "SELECT 1", seconds=0.01)
    metrics = evaluate(model, tokenizer, held_out, settings, deadline_seconds=0.05).metrics
    assert metrics["scored_rows"] == 30
    assert metrics["scored_because"].startswith("a sample, since all would take longer than 0.05 s")
    some = evaluate(model, tokenizer, held_out, settings, deadline_seconds=0.45)
    assert 30 < some.metrics["scored_rows"] < 60
    # A sample of the rows as a hash has them, whatever order they came in.
    backwards = evaluate(model, tokenizer, held_out[::-1], settings, deadline_seconds=0.05)
    assert [row["id"] for row in backwards.rows] == [row.id for row in in_order(held_out)[:30]]


def test_batches_grow_to_what_the_device_bears(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    scripted = Scripted(monkeypatch, lambda prompt: "")
    Generator(model, tokenizer, 2).answers(examples(60), 60)
    assert scripted.batches[:4] == [2, 4, 8, 8]
    scripted.batches.clear()
    Generator(model, tokenizer, 20).answers(examples(60), 60)
    assert scripted.batches[0] == 20


def test_a_batch_that_does_not_fit_is_halved(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    sizes = []

    def batch(generator, prompts, new_tokens):
        sizes.append(len(prompts))
        if len(prompts) > 5:
            raise torch.OutOfMemoryError
        return [""] * len(prompts)

    monkeypatch.setattr(Generator, "_batch", batch)
    assert len(Generator(model, tokenizer, 20).answers(examples(60), 60)) == 60
    assert sizes[:4] == [20, 10, 5, 5] and max(sizes[3:]) == 5


def test_fails_when_not_even_one_row_fits(bases, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)

    def batch(generator, prompts, new_tokens):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Generator, "_batch", batch)
    with pytest.raises(torch.OutOfMemoryError):
        Generator(model, tokenizer, 4).answers(examples(8), 60)


def test_the_base_is_asked_without_and_with_examples(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    held_out, training = examples(40)[:20], examples(40)[20:]
    answers = {row.prompt: row.completion for row in held_out}
    shots = choose_examples(training)

    def script(prompt):
        asked = prompt.split("\n\n")[-1]
        if prompt == asked:
            return "no idea"
        assert prompt.startswith(shots[0].prompt + shots[0].completion)
        return answers[asked] + "\n\nQuestion: one more"

    Scripted(monkeypatch, script)
    base = evaluate_base(model, tokenizer, held_out, settings, shots)
    assert base.metrics["execution_match"] == 0.0
    assert base.metrics["with_examples"]["execution_match"] == 1.0
    assert base.metrics["with_examples"]["examples"] == 3
    assert {row["answer"] for row in base.rows} == {"no idea"}
    only_loss = evaluate_base(model, tokenizer, held_out, settings, shots, answers=False)
    assert only_loss.metrics["held_out_loss"] == base.metrics["held_out_loss"]
    assert only_loss.metrics["execution_match"] is None and only_loss.rows == []


def test_no_more_than_a_hundred_rows_are_asked_of_the_base(bases, settings, monkeypatch):
    tokenizer, model = load_tokenizer(bases["llama"]), load_model(bases["llama"], CPU)
    held_out = [Example(f"Say {number}", f" {number}") for number in range(130)]
    Scripted(monkeypatch, lambda prompt: prompt.removeprefix("Say"))
    base = evaluate_base(model, tokenizer, held_out, settings, [])
    trained = evaluate(model, tokenizer, held_out, settings)
    assert base.rows == trained.rows[:100]
    assert base.metrics["held_out_loss"] == trained.metrics["held_out_loss"]


def test_examples_of_a_chat_are_turns_before_the_question():
    class Template:
        def apply_chat_template(self, messages, tokenize, add_generation_prompt, date_string):
            return "|".join(f"{turn['role']}: {turn['content']}" for turn in messages) + "|"

    def chat(question, answer):
        turns = [("system", "Be brief."), ("user", question), ("assistant", answer)]
        messages = tuple({"role": role, "content": text} for role, text in turns)
        return Example(question, answer, messages=messages)

    asked = with_examples(chat("Why?", "Thus."), [chat("Who?", "She.")], Template())
    assert asked.prompt == "system: Be brief.|user: Who?|assistant: She.|user: Why?|"
    assert asked.id == chat("Why?", "Thus.").id


def test_a_task_without_tables_has_exact_match_and_token_f1():
    row = score_row(Example("Capital of France?", " The city of Paris"), "Paris")
    assert (row["exact_match"], row["token_f1"]) == (False, 0.5)
    assert row["execution_match"] is row["normalized_match"] is row["parses"] is None
    metrics = summary([row])
    assert metrics["execution_match"] is metrics["execution_match_interval"] is None
    assert metrics["token_f1"] == 0.5


def test_tables_in_the_prompt_will_do():
    _, _, _, context = schemas(1)[0]
    example = Example(
        f"Use: {context}. Older than 3?", " SELECT ship_name FROM ship WHERE ship_age > 3"
    )
    assert score_row(example, "SELECT ship_name FROM ship WHERE 3 < ship_age")["execution_match"]


def test_queries_that_nothing_can_be_said_about_are_counted_and_left_out():
    _, _, _, context = schemas(1)[0]
    expected = ["SELECT nothing FROM ship", "SELECT ship_age FROM ship WHERE ship_age > ship_age",
                "SELECT ship_age FROM ship"]  # fmt: skip
    metrics = summary([score_row(Example(context, sql, context), sql) for sql in expected])
    assert (metrics["gold_failed_rows"], metrics["gold_empty_rows"]) == (1, 1)
    assert (metrics["executed_rows"], metrics["execution_match"]) == (1, 1.0)


def test_scoring_takes_longer_for_more_rows_larger_models_and_slower_devices():
    def seconds(rows=500, parameters=2e9, device="NVIDIA L4"):
        return scoring_seconds(rows, 80, 100, int(parameters), 18, device)

    assert seconds(rows=1000) > 1.5 * seconds()
    assert seconds(parameters=8e9) > seconds()
    assert seconds(device="cpu") > 3 * seconds() >= 3 * seconds(device="NVIDIA H100 80GB HBM3")
    assert 10 < seconds() < 300
