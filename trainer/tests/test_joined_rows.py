"""Where attention goes by bounds, a step's documents lie in one row that is hardly padded."""

from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.functional import scaled_dot_product_attention

from finetune.data.encoding import IGNORED, Encoded
from finetune.training import kernels, packed_attention
from finetune.training.compilation import compile_layers
from finetune.training.layout import Joined, Rows, joined_layout
from finetune.training.loss import completion_loss
from finetune.training.optimizer_step import learner
from finetune.training.packing import joined_batches, stepped
from finetune.training.recomputation import recompute_layers
from tests.tiny import tiny_model

LENGTHS = (20, 41, 12, 50, 33, 8, 27)


def document(length):
    ids = [3 + place * 7 % 90 for place in range(length)]
    return Encoded(ids, [IGNORED] * 3 + ids[3:])


def by_mask(query, key, value, bounds, longest, scale=None, window=None):
    """What the GPU's kernel computes, in a form that can be traced for any length."""
    place = torch.arange(query.shape[0])
    owner = torch.bucketize(place, bounds[1:].long(), right=True)
    apart = place[:, None] - place
    seen = (owner[:, None] == owner) & (apart >= 0)
    if window is not None:
        seen &= apart <= window
    parts = [part.transpose(0, 1)[None] for part in (query, key, value)]
    output = scaled_dot_product_attention(*parts, attn_mask=seen, scale=scale, enable_gqa=True)
    return output[0].transpose(0, 1)


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(packed_attention, "_flash", by_mask)
    monkeypatch.setattr(packed_attention, "_suits", lambda _: True)


def adapted(shape, dropout=0.0):
    torch.manual_seed(0)
    model = tiny_model(shape, 96)
    model.set_attn_implementation("sdpa")
    config = LoraConfig(
        r=4,
        lora_dropout=dropout,
        target_modules=["q_proj"],
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    return get_peft_model(model, config)


def test_a_step_is_one_row_with_little_padding():
    documents = [document(length) for length in range(40, 140)]
    (batch,) = joined_batches(documents, 16384, 192, 0)
    tokens = sum(range(40, 140))
    assert batch.input_ids.shape == (1, stepped(tokens))
    assert (batch.tokens, batch.graded) == (tokens, tokens - 300)
    assert batch.input_ids.numel() < 1.03 * tokens


def test_a_step_that_memory_does_not_hold_is_parted_evenly():
    documents = [document(length) for length in range(40, 140)]
    parts = list(joined_batches(documents, 4096, 192, 0))
    assert len(parts) == 3
    assert sum(batch.tokens for batch in parts) == sum(range(40, 140))
    assert min(batch.tokens for batch in parts) > 2500
    assert max(batch.input_ids.numel() for batch in parts) <= 4096


def test_a_layout_holds_its_longest_document_however_little_memory_there_is():
    layout = joined_layout([document(300), document(20)], 100)
    assert layout == Joined(320, 320)
    assert [b.tokens for b in layout.batches([document(300), document(40)], 0)] == [300, 40]
    assert layout.smaller() is None


def test_no_padding_is_longer_than_the_longest_sequence_the_kernel_is_told_of():
    for count in range(1, 60, 7):
        (batch,) = joined_batches([document(50)] * count, 16384, 64, 0)
        assert batch.input_ids.numel() - batch.tokens < batch.longest


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma3", "qwen3"])
def test_the_loss_is_that_of_rows_with_a_mask(shape, kernel, monkeypatch):
    model = adapted(shape).double().eval()
    documents = [document(length) for length in LENGTHS]
    with torch.no_grad():
        (batch,) = joined_batches(documents, 1024, 64, 0)
        found = completion_loss(model, batch)
        monkeypatch.setattr(packed_attention, "_suits", lambda _: False)
        expected = sum(completion_loss(model, b) for b in Rows(2, 64, True).batches(documents, 0))
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)


def gradients(model, lengths):
    (batch,) = joined_batches([document(length) for length in lengths], 16384, 64, 0)
    model.train()
    model.zero_grad()
    completion_loss(model, batch).backward()
    return [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]


def test_fails_when_another_length_is_compiled_anew_or_has_another_gradient(kernel):
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("eager")
    model = adapted("gemma")
    steps = (LENGTHS, LENGTHS[:3], LENGTHS * 9, (50,) * 30, (9,))
    expected = [gradients(model, lengths) for lengths in steps]
    compile_layers(model, counter, any_length=True)
    for lengths, wanted in zip(steps, expected, strict=True):
        for found, plain in zip(gradients(model, lengths), wanted, strict=True):
            torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4 * plain.abs().max())
    layers = [
        graph for graph in counter.graphs if any("q_proj" in str(n) for n in graph.graph.nodes)
    ]
    # The last layer's feed-forward is for graded positions alone, hence a graph of its own.
    assert len(layers) == 2


@pytest.mark.parametrize("by_bounds", [True, False])
@pytest.mark.parametrize("shape", ["gemma", "gemma3", "llama"])
def test_fails_when_layers_that_run_again_compute_something_else(
    shape, by_bounds, kernel, monkeypatch
):
    """A GPU with little memory keeps no activations; dropout draws the same numbers again."""
    monkeypatch.setattr(packed_attention, "_suits", lambda _: by_bounds)
    model = adapted(shape, dropout=0.1)
    torch.manual_seed(1)
    expected = gradients(model, LENGTHS)
    recompute_layers(model)
    torch.manual_seed(1)
    for found, kept in zip(gradients(model, LENGTHS), expected, strict=True):
        torch.testing.assert_close(found, kept, rtol=1e-5, atol=1e-6)
    assert model.is_gradient_checkpointing and kept.abs().max() > 1e-3


def test_fails_when_a_step_that_ran_out_of_memory_has_another_gradient(kernel, monkeypatch):
    """Whole, then in halves, then in quarters."""
    model = adapted("llama")
    settings = SimpleNamespace(learning_rate=1e-3, weight_decay=0.0, max_grad_norm=1e9)
    layout = Joined(1024, 64)
    made = learner(model, settings, (layout, layout), 0)
    documents = [document(length) for length in LENGTHS * 2]
    monkeypatch.setattr(made.optimizer, "step", lambda: None)
    made.step(documents, 1e-3, 1, lambda: False)
    expected = [weight.grad.clone() for weight in made.weights.values()]

    real, asked = made.kernels._micro_step, []

    def scarce(batch, graded):
        asked.append(batch.input_ids.numel())
        if asked[-1] > 256:
            raise torch.OutOfMemoryError("out of memory")
        return real(batch, graded)

    monkeypatch.setattr(kernels.Kernels, "_new", lambda _: scarce)
    made.kernels._micro_step = scarce
    loss, _ = made.step(documents, 1e-3, 1, lambda: False)
    assert loss > 0 and made.kernels.layout.most == 256 and len(asked) > 3
    for weight, wanted in zip(made.weights.values(), expected, strict=True):
        torch.testing.assert_close(weight.grad, wanted, rtol=1e-4, atol=1e-6)


def test_fails_when_not_even_one_document_fits(kernel, monkeypatch):
    def scarce(*_):
        raise torch.OutOfMemoryError("out of memory")

    settings = SimpleNamespace(learning_rate=1e-3, weight_decay=0.0, max_grad_norm=1.0)
    made = learner(adapted("llama"), settings, (Joined(64, 64),) * 2, 0)
    made.kernels._micro_step = scarce
    with pytest.raises(torch.OutOfMemoryError):
        made.step([document(20)], 1e-3, 1, lambda: False)
