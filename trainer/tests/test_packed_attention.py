"""Attention by document bounds is attention with the block-diagonal mask."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from finetune.data.encoding import IGNORED, Encoded
from finetune.training import packed_attention
from finetune.training.loss import completion_loss
from finetune.training.packed_attention import bounds_needed, sequence_bounds
from finetune.training.packing import batches
from tests.tiny import tiny_model


def document(length):
    ids = [3 + place * 7 % 90 for place in range(length)]
    return Encoded(ids, [IGNORED] * 3 + ids[3:])


def one_by_one(query, key, value, bounds, longest, scale=None, window=None):
    """What the GPU's kernel computes."""
    output = torch.zeros_like(query)
    for start, end in zip(bounds.tolist(), bounds.tolist()[1:], strict=False):
        assert end - start <= longest
        if start == end:
            continue
        place = torch.arange(end - start)
        seen = place[:, None] >= place
        if window is not None:
            seen &= place[:, None] - place <= window
        parts = [part[start:end].transpose(0, 1)[None] for part in (query, key, value)]
        output[start:end] = scaled_dot_product_attention(
            *parts, attn_mask=seen, scale=scale, enable_gqa=True
        )[0].transpose(0, 1)
    return output


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(packed_attention, "_flash", one_by_one)
    monkeypatch.setattr(packed_attention, "_suits", lambda _: True)


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma3", "gemma3_conditional", "qwen3"])
def test_the_loss_is_that_with_a_mask(shape, kernel, monkeypatch):
    torch.manual_seed(0)
    model = tiny_model(shape, 96).double().eval()
    model.set_attn_implementation("sdpa")
    # One is longer than Gemma 3's sliding window of 32.
    (batch,) = batches([document(length) for length in (20, 41, 12, 50)], 64, 3, 0, fixed=True)
    with torch.no_grad():
        found = completion_loss(model, batch)
        monkeypatch.setattr(packed_attention, "_suits", lambda _: False)
        expected = completion_loss(model, batch)
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)


def test_fails_when_capped_scores_of_gemma_2_lose_their_cap(kernel, monkeypatch):
    def refused(*_):
        raise AssertionError("FlashAttention has no cap here")

    monkeypatch.setattr(packed_attention, "_flash", refused)
    model = tiny_model("gemma2", 96).eval()
    model.set_attn_implementation("eager")
    (batch,) = batches([document(20)], 64, 1, 0, fixed=True)
    with torch.no_grad():
        assert completion_loss(model, batch) > 0


def test_bounds_hold_documents_and_each_rows_padding():
    (batch,) = batches([document(5), document(3), document(8)], 10, 3, 0, fixed=True)
    bounds = sequence_bounds(batch.position_ids, 9).tolist()
    # Rows of 8 + 2 padded, of 5 + 3 + 2 padded, and of padding alone.
    assert bounds == [0, 8, 10, 15, 18, 20, 30, 30, 30, 30]


def test_fails_when_a_batch_of_very_short_documents_has_too_few_bounds():
    (batch,) = batches([document(4) for _ in range(60)], 128, 2, 0, fixed=True)
    bounds = sequence_bounds(batch.position_ids, bounds_needed(batch))
    assert (bounds.diff() == 4).sum() >= 58
    assert bounds[-1] == 256


def test_the_models_own_attention_is_back_after_the_loss(kernel):
    model = tiny_model("llama", 96).eval()
    model.set_attn_implementation("sdpa")
    (batch,) = batches([document(20)], 64, 1, 0, fixed=True)
    with torch.no_grad():
        completion_loss(model, batch)
    assert model.config._attn_implementation == "sdpa"


def test_a_cpu_attends_with_a_mask():
    model = tiny_model("llama", 96)
    (batch,) = batches([document(20)], 64, 1, 0, fixed=True)
    with packed_attention.packed_attention(model.model, batch) as extra:
        assert extra == {}
