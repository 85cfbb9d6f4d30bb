"""The loss of packed rows is that of each document alone, and is computed for no more than that."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from finetune.data.encoding import IGNORED, Encoded
from finetune.training.loss import completion_loss, graded_positions, loss_and_gradient
from finetune.training.packing import batches
from tests.tiny import tiny_model

VOCABULARY = 96
SHAPES = ["llama", "gemma", "gemma2", "gemma3", "gemma3_conditional", "qwen2", "qwen3"]


def documents(count=5):
    generator = torch.Generator().manual_seed(1)
    made = []
    for number in range(count):
        ids = torch.randint(3, 90, (8 + 3 * number,), generator=generator).tolist()
        made.append(Encoded(ids, [IGNORED] * 4 + ids[4:]))
    return made


def model_of(shape):
    torch.manual_seed(0)
    model = tiny_model(shape, VOCABULARY).double().eval()
    model.set_attn_implementation("eager")
    for weight in model.parameters():
        weight.requires_grad = False
    return model


def reference(model, document):
    ids = torch.tensor([document.input_ids])
    logits = model(input_ids=ids).logits[0, :-1]
    return cross_entropy(logits, torch.tensor(document.labels[1:]), reduction="sum")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_the_sum_over_documents_one_by_one(shape):
    model = model_of(shape)
    (batch,) = batches(documents(), 64, 2, 0, fixed=True)
    with torch.no_grad():
        expected = sum(reference(model, document) for document in documents())
        assert float(completion_loss(model, batch) - expected) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shape", ["llama", "gemma2"])
def test_gradients_are_those_of_the_plain_loss(shape, monkeypatch):
    monkeypatch.setattr("finetune.training.loss.CHUNK_LOGITS", 7 * VOCABULARY)  # several chunks
    model = model_of(shape)
    weight = model.get_decoder().layers[0].mlp.down_proj.weight
    weight.requires_grad = True
    (batch,) = batches(documents(), 64, 2, 0, fixed=True)
    completion_loss(model, batch).backward()
    found, weight.grad = weight.grad, None
    sum(reference(model, document) for document in documents()).backward()
    assert torch.allclose(found, weight.grad, rtol=0, atol=1e-6)


def test_fails_when_the_end_token_is_left_out_because_padding_shares_its_id():
    end = 7
    ids = [5, 6, 8, 9, end]
    model = model_of("llama")
    (batch,) = batches([Encoded(ids, [IGNORED] * 3 + ids[3:])], 16, 1, end, fixed=True)
    positions, targets = graded_positions(batch)
    assert positions.tolist() == [2, 3]
    assert targets.tolist() == [9, end]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
        expected = cross_entropy(logits[[2, 3]], torch.tensor([9, end]), reduction="sum")
        assert completion_loss(model, batch).item() == pytest.approx(expected.item(), rel=1e-7)


def test_logits_exist_for_graded_positions_alone(monkeypatch):
    seen = []

    def spy(logits, targets, cap):
        seen.append(tuple(logits.shape))
        return loss_and_gradient(logits, targets, cap)

    monkeypatch.setattr("finetune.training.loss.loss_and_gradient", spy)
    monkeypatch.setattr("finetune.training.loss.CHUNK_LOGITS", 50 * VOCABULARY)
    (batch,) = batches(documents(), 64, 2, 0, fixed=True)
    with torch.no_grad():
        completion_loss(model_of("llama"), batch)
    assert sum(rows for rows, _ in seen) == batch.graded == sum(4 + 3 * n for n in range(5))
    assert all(rows <= 50 for rows, _ in seen)


def test_positions_added_to_round_up_neither_count_nor_pull():
    torch.manual_seed(0)
    logits = torch.randn(3, 11, dtype=torch.float64)
    loss, gradient = loss_and_gradient(logits, torch.tensor([4, IGNORED, 2]), 30.0)
    both, _ = loss_and_gradient(logits[[0, 2]], torch.tensor([4, 2]), 30.0)
    assert loss.item() == pytest.approx(both.item(), abs=1e-12)
    assert not gradient[1].any()


def test_the_loss_of_a_bfloat16_model_is_summed_in_float32():
    model = model_of("gemma").to(torch.bfloat16)
    (batch,) = batches(documents(), 64, 2, 0, fixed=True)
    with torch.no_grad():
        assert completion_loss(model, batch).dtype == torch.float32
