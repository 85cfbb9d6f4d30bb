import pytest
from tiny import rows, sentencepiece, write_tokenizer
from tokenizers import processors

from finetune.data.dataset import Example
from finetune.data.encoding import IGNORED, encode, fitting, prompt_ids
from finetune.training.base_model import load_tokenizer


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """As a run has them: with a padding token, which llama shares with the end token."""
    found = {}
    for shape in ("llama", "gemma"):
        directory = tmp_path_factory.mktemp(shape)
        write_tokenizer(directory, shape)
        found[shape] = load_tokenizer(directory)
    return found


@pytest.fixture
def ending(tmp_path):
    """A tokenizer that puts <bos> before and <eos> behind every text by itself."""
    tokenizer = write_tokenizer(tmp_path, "llama")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    return tokenizer


def examples(count=6):
    return [
        Example(
            f"Q: {row['question']}\nC: {row['context']}\nA:", f" {row['answer']}", row["context"]
        )
        for row in rows()[:count]
    ]


def graded(row, tokenizer):
    return tokenizer.decode([label for label in row.labels if label != IGNORED])


@pytest.mark.parametrize("shape", ["llama", "gemma"])
def test_loss_covers_the_completion_and_its_end_token_and_nothing_else(tokenizers, shape):
    tokenizer = tokenizers[shape]
    for example, row in zip(examples(), encode(examples(), tokenizer), strict=True):
        assert graded(row, tokenizer) == f"{example.completion}<eos>"
        first = "<bos>" if shape == "gemma" else ""  # Gemma needs it before every row, and once
        assert tokenizer.decode(row.input_ids) == (
            f"{first}{example.prompt}{example.completion}<eos>"
        )
        seen = [label if label != IGNORED else None for label in row.labels]
        assert all(label in (None, token) for label, token in zip(seen, row.input_ids, strict=True))


@pytest.mark.parametrize("shape", ["llama", "gemma"])
def test_a_prompt_has_the_tokens_that_training_showed_before_the_answer(tokenizers, shape):
    tokenizer = tokenizers[shape]
    for example, row in zip(examples(), encode(examples(), tokenizer), strict=True):
        asked = prompt_ids(example, tokenizer)
        assert asked == tokenizer(example.prompt)["input_ids"]
        assert row.input_ids[: len(asked)] == asked
        assert row.labels[: len(asked)] == [IGNORED] * len(asked)
        assert row.labels[len(asked)] != IGNORED


def test_the_end_is_learnt_where_padding_and_end_share_an_id(tokenizers):
    tokenizer = tokenizers["llama"]
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    for row in encode(examples(), tokenizer):
        assert row.labels[-1] == row.input_ids[-1] == tokenizer.eos_token_id


def test_a_tokenizer_that_ends_every_text_ends_a_row_once_and_no_prompt(ending):
    example = examples(1)[0]
    row = encode([example], ending)[0]
    assert ending.decode(row.input_ids) == f"<bos>{example.prompt}{example.completion}<eos>"
    assert graded(row, ending) == f"{example.completion}<eos>"
    assert ending.decode(prompt_ids(example, ending)) == f"<bos>{example.prompt}"


def test_a_prompt_that_ends_with_the_end_token_keeps_it(tokenizers, ending):
    example = Example("One.<eos>", " Two", "")
    for tokenizer in (tokenizers["gemma"], ending):
        assert tokenizer.decode(encode([example], tokenizer)[0].input_ids) == (
            "<bos>One.<eos> Two<eos>"
        )
        assert tokenizer.decode(prompt_ids(example, tokenizer)) == "<bos>One.<eos>"


def test_rows_of_a_chat_and_of_columns_may_stand_together(tokenizers):
    tokenizer = tokenizers["gemma"]
    chat = Example("<bos>Hi<eos>", "Yo", messages=({"role": "user", "content": "Hi"},))
    found = [tokenizer.decode(row.input_ids) for row in encode([*examples(1), chat], tokenizer)]
    assert found[1] == "<bos>Hi<eos>Yo<eos>"
    assert found[0].startswith("<bos>Q: ")


def test_rows_that_do_not_fit_are_left_out_rather_than_cut(tokenizers):
    short = examples(1)[0]
    long = Example(short.prompt, short.completion * 2, short.context)
    encoded = encode([short, long], tokenizers["llama"])
    kept = fitting(encoded, len(encoded[0].input_ids))
    assert kept == encoded[:1]
    assert all(row.labels[-1] != IGNORED for row in kept)


def test_a_token_across_prompt_and_completion_is_split_as_the_server_sees_it(tokenizers, capsys):
    tokenizer = tokenizers["llama"]
    example = Example("SELECT ship_na", "me FROM ship", "")
    row = encode([example], tokenizer)[0]
    asked = prompt_ids(example, tokenizer)
    assert tokenizer(example.prompt + example.completion)["input_ids"][: len(asked)] != asked
    assert row.input_ids[: len(asked)] == asked
    assert tokenizer.decode(row.input_ids) == "SELECT ship_name FROM ship<eos>"
    assert graded(row, tokenizer) == "me FROM ship<eos>"
    assert capsys.readouterr().err == ""


def test_a_token_that_cannot_be_split_is_graded_and_warned_of(capsys):
    tokenizer = sentencepiece("first")
    row = encode([Example("SELECT ship_na", "me FROM ship", "")], tokenizer)[0]
    assert tokenizer.decode(row.input_ids) == "<s> SELECT ship_name FROM ship</s>"
    assert "in 1 of 1 rows the end of the prompt" in capsys.readouterr().err


def test_no_examples_have_no_tokens(tokenizers):
    assert encode([], tokenizers["llama"]) == []
