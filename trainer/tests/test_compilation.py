"""Layers compile once for all shapes of a run, and only where it pays."""

import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch._dynamo.testing import CompileCounterWithBackend

from finetune.data.encoding import IGNORED, Encoded
from finetune.training.compilation import (
    Compiled,
    compile_layers,
    compiler_at_hand,
    load_kernels,
    save_kernels,
    uncompile_layers,
    worthwhile,
)
from finetune.training.loss import completion_loss
from finetune.training.packing import batches
from tests.tiny import tiny_model


def document(length):
    ids = [3 + place % 90 for place in range(length)]
    return Encoded(ids, [IGNORED] * 3 + ids[3:])


def adapted(shape):
    torch.manual_seed(0)
    model = tiny_model(shape, 96)
    return get_peft_model(
        model,
        LoraConfig(r=4, lora_dropout=0.1, target_modules=["q_proj"], task_type="CAUSAL_LM"),
    )


def a_run(model):
    """Full batches, one document a row, a last batch that is padded, validation."""
    losses = []
    full = [document(length) for length in (20, 30, 12, 44, 18)]
    for documents in (full, full[:4], [document(64), document(63)], [document(9)]):
        (batch,) = batches(documents, 64, 2, 0, fixed=True)
        model.train()
        loss = completion_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        (batch,) = batches(full[:2], 64, 2, 0, fixed=True)
        losses.append(completion_loss(model, batch).item())
    return losses


@pytest.mark.parametrize("shape", ["gemma", "qwen3"])
def test_fails_when_layers_are_compiled_a_second_time_other_than_for_validation(shape):
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("eager")
    model = adapted(shape)
    compile_layers(model, counter)
    # Of the loss there is one more graph, as of the layers without gradients.
    a_run(model)
    layers = [
        graph for graph in counter.graphs if any("q_proj" in str(n) for n in graph.graph.nodes)
    ]
    assert len(layers) <= 2


def test_compiled_layers_compute_the_same():
    torch._dynamo.reset()
    model = adapted("gemma")
    torch.manual_seed(5)
    expected = a_run(model)
    compile_layers(model, "aot_eager")
    torch.manual_seed(5)
    assert a_run(model) == pytest.approx(expected, rel=1e-5)
    uncompile_layers(model)
    torch.manual_seed(5)
    assert a_run(model) == expected


def test_a_cpu_compiles_nothing():
    assert not compile_layers(adapted("llama"))


def test_without_a_c_compiler_layers_stay_as_they_are_and_a_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not compiler_at_hand()
    assert "no C compiler" in capsys.readouterr().out


def test_compiling_has_to_save_clearly_more_than_it_takes():
    assert not worthwhile(steps_left=500, step_seconds=0.1)
    assert worthwhile(steps_left=5000, step_seconds=0.1)


def test_an_attempt_with_kernels_at_hand_compiles_for_less():
    known = Compiled("NVIDIA L4", torch.__version__, seconds=4, gain=0.25)
    assert worthwhile(500, 0.1, known)
    assert not worthwhile(500, 0.1, Compiled("NVIDIA L4", torch.__version__, 4, gain=0.01))


def test_kernels_of_another_device_or_damaged_ones_are_not_taken():
    torch._dynamo.reset()
    cpu = torch.device("cpu")
    function = torch.compile(lambda value: value * 2 + 1, backend="aot_eager")
    function(torch.ones(3))
    saved = save_kernels(Compiled("another card", torch.__version__, 40, 0.3)) or b"{}\n"
    assert load_kernels(saved, cpu) is None
    assert load_kernels(b"\x00\xff no line", cpu) is None
    assert load_kernels(b"{}\n\x00", cpu) is None
