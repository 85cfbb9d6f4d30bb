import json

import pytest
from tiny import environment, write_jsonl, write_tokenizer
from tiny_chat import chat, training_template

from finetune.data.chat import ChatFormat
from finetune.data.dataset import load_examples
from finetune.data.encoding import IGNORED, encode, prompt_ids
from finetune.data.messages import folded
from finetune.data.row_checks import RowFault
from finetune.settings import read_settings
from finetune.verdict import BadInput

FORMATS = ["gemma", "gemma3", "llama3", "qwen2", "qwen3", "smollm2"]
SHAPES = {"llama3": "llama3", "qwen2": "qwen2", "qwen3": "qwen3", "smollm2": "llama"}
CHAT = [
    {"role": "user", "content": "How old is the ship?"},
    {"role": "assistant", "content": "SELECT ship_age FROM ship"},
    {"role": "user", "content": "And the crew?"},
    {"role": "assistant", "content": "SELECT crew_age FROM crew"},
]
SYSTEM = {"role": "system", "content": "Answer in SQL."}


@pytest.fixture(scope="session")
def tokenizers(tmp_path_factory):
    return {
        name: write_tokenizer(tmp_path_factory.mktemp(name), SHAPES.get(name, "gemma"), name)
        for name in FORMATS
    }


@pytest.fixture
def load(set_environment, tmp_path):
    def load_chats(tokenizer, chats, **changes):
        path = write_jsonl(tmp_path / "a.jsonl", [{"messages": messages} for messages in chats])
        changes = {"DATASET_FORMAT": "messages", "MAX_SEQ_LENGTH": "512", **changes}
        set_environment(environment("/base", path, "/bucket", **changes))
        return load_examples(read_settings(), tmp_path / "scratch", tokenizer)

    return load_chats


def graded(row, tokenizer):
    """The texts that are graded, one for each run of graded tokens."""
    texts, run = [], []
    for label in [*row.labels, IGNORED]:
        if label == IGNORED and run:
            texts.append(tokenizer.decode(run))
            run = []
        elif label != IGNORED:
            run.append(label)
    return texts


@pytest.mark.parametrize("name", FORMATS)
def test_every_answer_is_graded_with_its_end_and_nothing_else(tokenizers, load, name):
    tokenizer, end = tokenizers[name], chat(name).end
    rows = encode(load(tokenizer, [CHAT]).rows, tokenizer)
    thought = "<think>\n\n</think>\n\n" if name == "qwen3" else ""
    assert [text for row in rows for text in graded(row, tokenizer)] == [
        f"{thought}SELECT ship_age FROM ship{end}",
        f"{thought}SELECT crew_age FROM crew{end}",
    ]
    # Qwen 3 shows a turn differently later, so that each answer is a document of its own.
    assert len(rows) == (2 if name == "qwen3" else 1)


@pytest.mark.parametrize("name", FORMATS)
def test_tokens_are_those_of_the_template_up_to_the_end_of_the_last_answer(tokenizers, load, name):
    tokenizer = tokenizers[name]
    example = load(tokenizer, [CHAT]).rows[-1]
    row = encode([example], tokenizer)[0]
    shown = tokenizer.apply_chat_template(CHAT, return_dict=False)
    assert row.input_ids == shown[: len(row.input_ids)]
    assert tokenizer.decode(shown[len(row.input_ids) :]).strip() == ""
    asked = tokenizer.apply_chat_template(CHAT[:3], add_generation_prompt=True, return_dict=False)
    assert prompt_ids(example, tokenizer) == asked
    assert row.input_ids[: len(asked)] == asked
    assert row.input_ids.count(tokenizer.convert_tokens_to_ids("<bos>")) == (
        1 if name in ("gemma", "gemma3", "llama3") else 0
    )


@pytest.mark.parametrize("name", FORMATS[:-1])  # trl has none for SmolLM2
def test_answers_of_a_training_template_are_graded_alike(tokenizers, load, name):
    """trl's own templates for training mark the same answers."""
    tokenizer = tokenizers[name]
    marked = tokenizer.apply_chat_template(
        CHAT[:2],
        chat_template=training_template(name),
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    row = encode(load(tokenizer, [CHAT[:2]]).rows, tokenizer)[0]
    theirs = [
        token
        for token, mask in zip(marked["input_ids"], marked["assistant_masks"], strict=True)
        if mask
    ]
    ours = [label for label in row.labels if label != IGNORED]
    # Theirs include the line break that the template writes behind the end of the turn, which no
    # server generates, and for Qwen 2 the one that the prompt ends with.
    assert tokenizer.decode(theirs).strip("\n") == tokenizer.decode(ours)


@pytest.mark.parametrize("name", FORMATS)
def test_a_system_message_is_shown_by_its_role_or_before_the_first_question(tokenizers, load, name):
    found = load(tokenizers[name], [[SYSTEM, *CHAT]])
    prompt = found.rows[-1].prompt
    assert prompt.count("Answer in SQL.") == 1
    assert any("callers have to do the same" in note for note in found.report.noted) == (
        name == "gemma"
    )
    if name in ("gemma", "gemma3"):
        assert "user\nAnswer in SQL.\n\nHow old is the ship?" in prompt


def test_what_follows_the_last_answer_is_left_out(tokenizers, load):
    tokenizer = tokenizers["llama3"]
    asked_again = [*CHAT[:2], {"role": "user", "content": "Thanks"}]
    assert load(tokenizer, [asked_again]).rows == load(tokenizer, [CHAT[:2]]).rows


def test_contents_may_be_lists_of_texts(tokenizers, load):
    parts = [{"role": "user", "content": [{"type": "text", "text": "How old is the ship?"}]}]
    tokenizer = tokenizers["gemma3"]
    assert load(tokenizer, [parts + CHAT[1:]]).rows == load(tokenizer, [CHAT]).rows


def test_fields_that_only_other_messages_have_may_be_none(tokenizers, load):
    padded = [{**message, "name": None, "tool_calls": None} for message in CHAT]
    tokenizer = tokenizers["qwen3"]
    assert load(tokenizer, [padded]).rows == load(tokenizer, [CHAT]).rows


def test_a_call_of_a_tool_is_an_answer(tokenizers, load):
    call = {"name": "run", "arguments": {"sql": "SELECT 1"}}
    chats = [
        [
            CHAT[0],
            {"role": "assistant", "tool_calls": [{"type": "function", "function": call}]},
            {"role": "tool", "content": "1"},
            {"role": "assistant", "content": "It is 1."},
        ]
    ]
    tokenizer = tokenizers["qwen2"]
    texts = graded(encode(load(tokenizer, chats).rows, tokenizer)[0], tokenizer)
    assert "SELECT 1" in texts[0] and texts[0].endswith("</tool_call><|im_end|>")
    assert texts[1] == "It is 1.<|im_end|>"


def test_tools_of_a_row_are_shown_to_the_model_as_a_list_or_as_json(tokenizers):
    tool = {"type": "function", "function": {"name": "run_sql", "parameters": {}}}
    shown = ChatFormat(tokenizers["qwen3"])
    for tools in ([tool], json.dumps([tool])):
        assert "run_sql" in shown.conversations(CHAT[:2], tools)[0].turn.prompt
    for tools in (None, "", []):
        assert "# Tools" not in shown.conversations(CHAT[:2], tools)[0].turn.prompt
    for tools in ("run_sql", {"name": "run_sql"}):
        with pytest.raises(RowFault, match="the column tools "):
            shown.conversations(CHAT[:2], tools)


def test_fails_when_the_template_shows_no_chat_at_all(tokenizers, tmp_path):
    tokenizer = write_tokenizer(tmp_path, "llama", "smollm2")
    tokenizer.chat_template = "{{ raise_exception('not for chats') }}"
    with pytest.raises(BadInput, match="cannot be trained on chats: .*not for chats"):
        ChatFormat(tokenizer)


def test_half_a_surrogate_pair_in_a_call_is_replaced(tokenizers, load):
    call = {"type": "function", "function": {"name": "run", "arguments": {"sql": "\ud83d"}}}
    chats = [[CHAT[0], {"role": "assistant", "content": "", "tool_calls": [call]}]]
    rows = load(tokenizers["qwen2"], chats).rows
    assert "\ufffd" in rows[0].completion
    assert encode(rows, tokenizers["qwen2"])


@pytest.mark.parametrize(
    ("messages", "kind", "reason"),
    [
        (None, "empty", "not a list of messages"),
        ("text", "malformed", "not a list of messages"),
        (["text"], "malformed", "message 1 has no role and content"),
        ([{"from": "human", "value": "Hi"}], "malformed", "it has: from, value"),
        (CHAT[:1], "empty", "no message of the assistant"),
        ([CHAT[0], {"role": "assistant", "content": " \n"}], "empty", "message 2 (assistant)"),
        ([{"role": "user", "content": ""}, CHAT[1]], "empty", "message 1 (user) is blank"),
        ([{"role": "user", "content": 7}, CHAT[1]], "malformed", "of message 1 is no text"),
        ([CHAT[0], CHAT[0], CHAT[1]], "malformed", "the chat template refuses it: Conversation"),
        (
            [{"role": "user", "content": [{"type": "image"}]}, CHAT[1]],
            "malformed",
            "message 1 holds more than text",
        ),
    ],
)
def test_fails_when_a_row_is_no_chat(tokenizers, messages, kind, reason):
    with pytest.raises(RowFault) as fault:
        ChatFormat(tokenizers["gemma3"]).conversations(messages)
    assert fault.value.kind == kind and reason in str(fault.value)


def test_fails_when_an_answer_holds_the_end_of_a_turn(tokenizers, load):
    chats = [CHAT, [CHAT[0], {"role": "assistant", "content": "One<|eot_id|>two"}]]
    report = load(tokenizers["llama3"], chats).report
    assert report.dropped == {"ends early": 1}


def test_fails_when_there_is_no_column_of_messages_and_names_the_closest(tokenizers, load):
    with pytest.raises(BadInput, match="it has messages; did you mean messages?"):
        load(tokenizers["llama3"], [CHAT], DATASET_MESSAGES="message")


def test_a_system_message_without_a_question_stays():
    assert folded([SYSTEM]) == [SYSTEM]
