import json

import pytest
from tiny import environment, rows, sentencepiece, write_tokenizer

from finetune.data.encoding import encode, prompt_ids
from finetune.data.example import Example
from finetune.data.plain_template import with_chat_template
from finetune.settings import read_settings

ONE = {
    "DATASET_COLUMNS": '{"q": "q", "a": "a"}',
    "PROMPT_TEMPLATE": '{{Question}}: {q}\n"Answer" 🦜 %}}:',
    "COMPLETION_TEMPLATE": " {a}",
}
QUESTIONS = ["Which ship?", " Which\nship? ", "{{ 7 }} {% x %} '\"\\", "", "é🦜"]


@pytest.fixture(params=["llama", "gemma", "first", "legacy"])
def tokenizer(request, tmp_path):
    if request.param in ("first", "legacy"):
        return sentencepiece(request.param)
    return write_tokenizer(tmp_path, request.param)


@pytest.fixture
def settings(set_environment):
    def with_changes(**changes):
        set_environment(environment("/base", "/data", "/bucket", **changes))
        return read_settings()

    return with_changes


def served(tokenizer, messages):
    """As a server asks: the template rendered, then tokenised without special tokens."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def user(content):
    return {"role": "user", "content": content}


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_message_fills_the_one_placeholder(tokenizer, settings, question):
    with_chat_template(tokenizer, settings(**ONE))
    example = Example(f'{{Question}}: {question}\n"Answer" 🦜 %}}:', " So.")
    assert served(tokenizer, [user(question)]) == prompt_ids(example, tokenizer)


def test_a_placeholder_that_stands_twice_is_filled_twice(tokenizer, settings):
    with_chat_template(tokenizer, settings(**{**ONE, "PROMPT_TEMPLATE": "{q} Again: {q}"}))
    asked = prompt_ids(Example("Why? Again: Why?", ""), tokenizer)
    assert served(tokenizer, [user("Why?")]) == asked


def test_one_message_is_the_whole_prompt_where_there_are_several_placeholders(tokenizer, settings):
    with_chat_template(tokenizer, settings())
    for row in rows(3, 1):
        prompt = f"Question: {row['question']}\nContext: {row['context']}\nAnswer:"
        asked = prompt_ids(Example(prompt, f" {row['answer']}"), tokenizer)
        assert served(tokenizer, [user(prompt)]) == asked


def test_history_shows_each_answer_as_it_was_trained(tokenizer, settings):
    with_chat_template(tokenizer, settings(**{**ONE, "PROMPT_TEMPLATE": "Q: {q}\nA:"}))
    end = tokenizer.eos_token
    for answer in ("So.", " So."):  # as a person writes it, and as the server gave it
        history = [user("Why?"), {"role": "assistant", "content": answer}, user("How?")]
        text = tokenizer.apply_chat_template(history, tokenize=False)
        assert text.endswith(f"Q: Why?\nA: So.{end}Q: How?\nA:")
    system = [{"role": "system", "content": "Be brief."}, user("Why?")]
    assert tokenizer.apply_chat_template(system, tokenize=False).endswith(
        "Q: Be brief.\n\nWhy?\nA:"
    )


def test_chats_of_a_base_without_a_template_are_trained_as_they_are_served(
    tokenizer, settings, tmp_path
):
    from finetune.data.dataset import load_examples

    answer = {"role": "assistant", "content": "So."}
    chat = [user("Why?"), answer, user("How?"), answer]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"messages": chat}), "utf-8")
    asked = settings(DATASET_FORMAT="messages", DATASET_NAME=str(path))
    example = load_examples(asked, tmp_path, tokenizer).rows[0]
    end = tokenizer.eos_token
    assert example.prompt.endswith(f"User: Why?\nAssistant: So.{end}User: How?\nAssistant:")
    assert served(tokenizer, chat[:3]) == prompt_ids(example, tokenizer)
    row = encode([example], tokenizer)[0]
    ids = [label for label in row.labels if label >= 0]
    assert ids.count(tokenizer.eos_token_id) == 2 and ids[-1] == tokenizer.eos_token_id


def test_a_base_with_a_template_keeps_it(settings, tmp_path):
    tokenizer = write_tokenizer(tmp_path, "gemma", "gemma")
    before = tokenizer.chat_template
    assert with_chat_template(tokenizer, settings()).chat_template == before


def test_the_template_is_saved_with_the_tokenizer(settings, tmp_path):
    tokenizer = with_chat_template(write_tokenizer(tmp_path, "gemma"), settings())
    tokenizer.save_pretrained(tmp_path / "published")
    text = (tmp_path / "published" / "chat_template.jinja").read_text("utf-8")
    assert text == tokenizer.chat_template
