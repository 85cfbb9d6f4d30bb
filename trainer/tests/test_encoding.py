import pytest
import torch
from tiny import environment, rows

from finetune.data.dataset import Example
from finetune.data.encoding import IGNORED, encode, fitting
from finetune.settings import read_settings
from finetune.training.base_model import computing_type, load_model, load_tokenizer
from finetune.training.fine_tuning import build_trainer

CPU = torch.device("cpu")


def examples(count=6):
    return [
        Example(
            f"Q: {row['question']}\nC: {row['context']}\nA:", f" {row['answer']}", row["context"]
        )
        for row in rows()[:count]
    ]


@pytest.mark.parametrize("packing", ["true", "false"])
@pytest.mark.parametrize("shape", ["llama", "gemma"])
def test_loss_covers_the_completion_and_its_end_token_and_nothing_else(
    bases, set_environment, tmp_path, shape, packing
):
    set_environment(environment("/base", "/data", "/b", PACKING=packing, TRAIN_BATCH_SIZE="3"))
    tokenizer = load_tokenizer(bases[shape])
    encoded = encode(examples(), tokenizer)
    model = load_model(bases[shape], CPU)
    trainer = build_trainer(model, tokenizer, encoded, read_settings(), tmp_path)
    graded, texts = [], []
    for batch in trainer.get_train_dataloader():
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            texts.append(tokenizer.decode(ids))
            graded += tokenizer.decode(ids[labels != IGNORED]).split(tokenizer.eos_token)
    assert sorted(filter(None, graded)) == sorted(row.completion for row in examples())
    # Gemma needs <bos> before every row, and only one; this llama's tokenizer has none.
    assert "".join(texts).count("<bos>") == (6 if shape == "gemma" else 0)


def test_the_end_is_learnt_where_padding_and_end_share_an_id(bases):
    tokenizer = load_tokenizer(bases["llama"])
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    for row in encode(examples(), tokenizer):
        assert row.labels[-1] == row.input_ids[-1] == tokenizer.eos_token_id


def test_rows_that_do_not_fit_are_left_out_rather_than_cut(bases):
    short = examples(1)[0]
    long = Example(short.prompt, short.completion * 2, short.context)
    encoded = encode([short, long], load_tokenizer(bases["llama"]))
    kept = fitting(encoded, len(encoded[0].input_ids))
    assert kept == encoded[:1]
    assert all(row.labels[-1] != IGNORED for row in kept)


def test_a_token_across_prompt_and_completion_is_graded_and_warned_of(bases, capsys):
    tokenizer = load_tokenizer(bases["llama"])
    row = encode([Example("SELECT ship_na", "me FROM ship", "")], tokenizer)[0]
    assert tokenizer.decode(row.input_ids) == "SELECT ship_name FROM ship<eos>"
    assert "in 1 of 1 rows the end of the prompt" in capsys.readouterr().err


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma2"])
def test_packed_rows_do_not_see_each_other(bases, set_environment, tmp_path, shape):
    set_environment(environment("/base", "/data", "/b", MAX_SEQ_LENGTH="512"))
    tokenizer = load_tokenizer(bases[shape])
    encoded = encode(examples(3), tokenizer)
    model = load_model(bases[shape], CPU).float().eval()
    trainer = build_trainer(model, tokenizer, encoded, read_settings(), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    assert (batch["position_ids"] == 0).sum() == 3
    ids, labels = batch.pop("input_ids"), batch.pop("labels")
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        packed = model(input_ids=ids, **batch, use_cache=False).logits[0]
        starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
        for start, end in zip(starts, [*starts[1:], len(packed)], strict=True):
            alone = model(input_ids=ids[:, start:end], use_cache=False).logits[0]
            torch.testing.assert_close(packed[start:end], alone, atol=1e-4, rtol=1e-4)
    assert (labels != IGNORED).any()


def test_gemma_2_keeps_the_cap_on_its_attention_scores(bases):
    assert load_model(bases["gemma2"], CPU).config._attn_implementation == "eager"
    assert load_model(bases["gemma"], CPU).config._attn_implementation == "sdpa"


def test_adapter_weights_are_float32_whatever_the_base_is(bases, set_environment, tmp_path):
    set_environment(environment("/base", "/data", "/b"))
    tokenizer = load_tokenizer(bases["llama"])
    trainer = build_trainer(
        load_model(bases["llama"], CPU),
        tokenizer,
        encode(examples(), tokenizer),
        read_settings(),
        tmp_path,
    )
    weights = list(trainer.model.parameters())
    assert {weight.dtype for weight in weights if weight.requires_grad} == {torch.float32}
    base = {weight.dtype for weight in weights if not weight.requires_grad}
    assert base == {computing_type(CPU)}
