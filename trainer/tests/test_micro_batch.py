"""Memory decides how many positions go through the model at a time."""

import pytest
import torch

from finetune.training import micro_batch
from finetune.training.micro_batch import most_tokens
from tests.tiny import tiny_model

GIB = 2**30


class Card:
    """A card whose memory grows by `each` bytes per position of a micro-batch."""

    def __init__(self, monkeypatch, limit, each, held=GIB, recomputed=None):
        self.each, self.held, self.recomputed = each, held, recomputed
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _=None: held)
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(micro_batch, "_limit", lambda _: limit)
        monkeypatch.setattr(micro_batch, "_peak", self.peak)
        self.limit = limit

    def peak(self, model, rows, joined):
        each = self.recomputed if model.is_gradient_checkpointing else self.each
        peak = self.held + GIB // 2 + rows * micro_batch.WIDTH * each
        if peak > self.limit:
            raise torch.OutOfMemoryError("out of memory")
        return peak


@pytest.fixture
def model():
    return tiny_model("llama", 96)


def test_positions_are_what_ninety_percent_of_the_memory_holds(model, monkeypatch):
    Card(monkeypatch, limit=10 * GIB, each=2**20)
    assert most_tokens(model) == int((9 - 1 - 0.5) * 1024)
    assert not model.is_gradient_checkpointing


def test_a_large_card_takes_no_more_than_is_faster(model, monkeypatch):
    Card(monkeypatch, limit=80 * GIB, each=2**20)
    assert most_tokens(model) == micro_batch.MOST


def test_a_small_card_computes_activations_twice(model, monkeypatch, capsys):
    Card(monkeypatch, limit=3 * GIB, each=2**21, recomputed=2**18)
    assert most_tokens(model) == int((2.7 - 1 - 0.5) * 4096)
    assert model.is_gradient_checkpointing
    assert "computed twice" in capsys.readouterr().out


def test_one_row_is_tried_even_where_the_estimate_says_no(model, monkeypatch):
    Card(monkeypatch, limit=GIB, each=2**21, recomputed=2**21)
    assert most_tokens(model) == micro_batch.WIDTH


def test_gradients_of_the_trials_are_gone_afterwards(model, monkeypatch):
    Card(monkeypatch, limit=10 * GIB, each=2**20)
    weight = model.lm_head.weight
    weight.grad = torch.ones_like(weight)
    most_tokens(model)
    assert not weight.grad.any()
