"""
What training computes against the plainest way to compute it: eager attention, one document at a
time, float64.
"""

import pytest
import torch
from tiny import environment, rows, write_base
from torch.nn.functional import cross_entropy

from finetune.data.dataset import Example
from finetune.data.encoding import IGNORED, Encoded, encode
from finetune.settings import read_settings
from finetune.training.adapter import attach
from finetune.training.base_model import load_model, load_tokenizer
from finetune.training.loss import completion_loss
from finetune.training.packing import batches

CPU = torch.device("cpu")
LENGTH, END = 64, 1
# Caps that bite: the scores of a tiny random model stay far below those of a real one.
CHANGES = {"gemma2": {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 1.0}}


@pytest.fixture
def float64_throughout(monkeypatch):
    """Eager attention takes its softmax in float32 whatever the model is in."""
    softmax = torch.nn.functional.softmax

    def exact(values, dim=None, dtype=None, **other):
        dtype = torch.float64 if values.dtype == torch.float64 else dtype
        return softmax(values, dim=dim, dtype=dtype, **other)

    monkeypatch.setattr(torch.nn.functional, "softmax", exact)


@pytest.fixture
def adapted(tmp_path, set_environment, float64_throughout):
    """Makes a tiny base of a shape, with attention scores that differ, and adapters that count."""

    def make(shape):
        base = write_base(tmp_path / "base", shape, initializer_range=0.3, **CHANGES.get(shape, {}))
        set_environment(environment(base, "/data", "/b", LORA_DROPOUT="0"))
        model = attach(load_model(base, CPU, "fp32").double(), read_settings()).double()
        torch.manual_seed(1)
        for name, weight in model.named_parameters():
            if "lora_B" in name:  # zero at first: their adapters would get no gradient
                torch.nn.init.normal_(weight, std=0.3)
        return model

    return make


def documents():
    """
    Random documents, of which two fill a row alone; each ends with the token that also pads.
    """
    generator = torch.Generator().manual_seed(2)
    made = []
    for length in (LENGTH, LENGTH, 50, 40, 14, 23, 10, 7, 2):
        ids = [*torch.randint(3, 200, (length - 1,), generator=generator).tolist(), END]
        prompt = length // 2
        made.append(Encoded(ids, [IGNORED] * prompt + ids[prompt:]))
    return made


def gradients(model):
    found = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
    model.zero_grad()
    return found


def one_at_a_time(model, documents):
    model.set_attn_implementation("eager")
    total = 0.0
    for document in documents:
        ids = torch.tensor([document.input_ids])
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        loss = cross_entropy(logits, torch.tensor(document.labels[1:]), reduction="sum")
        loss.backward()
        total += loss.item()
    return total, gradients(model)


def laid_out(model, documents, rows, fixed):
    total = 0.0
    for batch in batches(documents, LENGTH, rows, END, fixed):
        loss = completion_loss(model, batch)
        loss.backward()
        total += loss.item()
    return total, gradients(model)


SHAPES = ["gemma", "gemma2", "gemma3", "gemma3_conditional", "llama", "llama3", "qwen2", "qwen3"]


@pytest.mark.parametrize("shape", SHAPES)
def test_packed_rows_give_the_loss_and_gradients_of_documents_alone(adapted, shape):
    model = adapted(shape)
    implementation = model.config._attn_implementation
    wanted, reference = one_at_a_time(model, documents())
    model.set_attn_implementation(implementation)
    for rows_at_once, fixed in ((1, False), (4, False), (2, True)):
        loss, found = laid_out(model, documents(), rows_at_once, fixed)
        assert loss == pytest.approx(wanted, rel=1e-9, abs=0)
        assert found.keys() == reference.keys() and len(found) == 28
        for name, gradient in found.items():
            scale = reference[name].abs().max()
            assert scale > 1e-3
            torch.testing.assert_close(gradient, reference[name], rtol=1e-9, atol=1e-9 * scale)


def test_fails_when_gemma_2_loses_the_cap_on_its_attention_scores(adapted):
    model = adapted("gemma2")
    assert model.config._attn_implementation == "eager"
    wanted, reference = one_at_a_time(model, documents())
    model.set_attn_implementation("sdpa")
    loss, found = laid_out(model, documents(), 2, True)
    assert abs(loss - wanted) > 1e-3 * wanted
    assert max((found[name] - reference[name]).abs().max() for name in found) > 1e-2


def test_batches_with_one_document_a_row_have_a_mask_too(adapted, monkeypatch):
    model, masks = adapted("llama"), []
    attention = torch.nn.functional.scaled_dot_product_attention

    def watched(*tensors, attn_mask=None, **other):
        masks.append(attn_mask)
        return attention(*tensors, attn_mask=attn_mask, **other)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    laid_out(model, documents()[:2], 2, True)
    assert [mask.shape for mask in masks] == [(2, 1, LENGTH, LENGTH)] * 2


@pytest.mark.parametrize("shape", ["llama", "gemma"])
def test_loss_covers_the_completion_and_its_end_token_and_nothing_else(bases, shape):
    tokenizer = load_tokenizer(bases[shape])
    assert (tokenizer.pad_token_id == tokenizer.eos_token_id) == (shape == "llama")
    examples = [
        Example(f"Q: {row['question']}\nA:", f" {row['answer']}", row["context"])
        for row in rows()[:6]
    ]
    graded, texts = [], []
    for batch in batches(encode(examples, tokenizer), 128, 2, tokenizer.pad_token_id, True):
        assert batch.graded == (batch.labels != IGNORED).sum()
        for ids, labels in zip(batch.input_ids, batch.labels, strict=True):
            texts.append(tokenizer.decode(ids))
            graded += tokenizer.decode(ids[labels != IGNORED]).split(tokenizer.eos_token)[:-1]
            # Each graded run ends with the end token: nothing follows the last one.
            assert not (labels != IGNORED).any() or ids[labels != IGNORED][-1] == END
    assert sorted(graded) == sorted(row.completion for row in examples)
    # Gemma needs <bos> before every document, and only one; this llama's tokenizer has none.
    assert "".join(texts).count("<bos>") == (len(examples) if shape == "gemma" else 0)
