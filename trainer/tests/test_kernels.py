from types import SimpleNamespace

import pytest
import torch

from finetune.training import kernels as module
from finetune.training import micro_step
from finetune.training.kernels import TIMED, WARM_UP, Kernels
from finetune.training.layout import Rows
from finetune.training.packing import Batch

WIDE = Rows(32, 512, True)  # too large for a CUDA graph


@pytest.fixture
def on_gpu(monkeypatch):
    """A model that says it is on a GPU, with a clock that each step moves on."""
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.zeros(2)
    happened = SimpleNamespace(
        model=SimpleNamespace(device=torch.device("cuda"), parameters=lambda: [weight]),
        weight=weight,
        now=0.0,
        asked=[],
        compiled=0,
        uncompiled=0,
        fails=False,
    )

    def micro_step(_batch, _graded):
        weight.grad += 1
        if happened.compiled > happened.uncompiled and happened.fails:
            raise RuntimeError("no kernel\nand a long trace")
        return torch.ones(())

    def compiling(_model, any_length):
        assert not any_length
        happened.compiled += 1
        return True

    def uncompiling(_model):
        happened.uncompiled += 1

    def asked(*values):
        happened.asked.append(values)
        return True

    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: happened.now))
    monkeypatch.setattr(module, "Graphed", lambda _model: micro_step)
    monkeypatch.setattr(module, "launched", lambda _model: micro_step)
    monkeypatch.setattr(module, "compile_layers", compiling)
    monkeypatch.setattr(module, "uncompile_layers", uncompiling)
    monkeypatch.setattr(module, "worthwhile", asked)
    monkeypatch.setattr(module, "device_name", lambda _device: "a card")
    monkeypatch.setattr(module, "save_kernels", lambda measured: measured)
    return happened


def steps(kernels, happened, seconds, left=100):
    for number, took in enumerate(seconds):
        kernels.step_begins()
        kernels.micro_step(None, 1)
        happened.now += took
        kernels.step_done(left - number)


def test_layers_are_compiled_once_some_steps_were_timed_and_their_gain_is_kept(on_gpu):
    kernels = Kernels(on_gpu.model, WIDE)
    steps(kernels, on_gpu, [9.0] * WARM_UP + [2.0] * (TIMED - 1))
    assert not on_gpu.asked
    steps(kernels, on_gpu, [2.0], left=50)
    assert (on_gpu.asked, on_gpu.compiled) == ([(50, 2.0, None)], 1)
    assert kernels.to_save() is None
    steps(kernels, on_gpu, [31.0, 9.0, 9.0] + [1.0] * (TIMED + 5))
    measured = kernels.to_save()
    assert (measured.device, measured.seconds, measured.gain) == ("a card", 30.0, 0.5)
    assert kernels.to_save() is None and len(on_gpu.asked) == 1


def test_fails_when_a_kernel_cannot_be_compiled_visibly_and_goes_on_with_plain_ones(on_gpu, capsys):
    on_gpu.fails = True
    kernels = Kernels(on_gpu.model, WIDE)
    steps(kernels, on_gpu, [1.0] * (WARM_UP + TIMED + 20))
    assert (on_gpu.compiled, on_gpu.uncompiled) == (1, 1)
    # Each step once: the one that failed left nothing behind.
    assert on_gpu.weight.grad.tolist() == [WARM_UP + TIMED + 20] * 2
    assert "compiling failed, layers stay as they are: no kernel\n" in capsys.readouterr().out
    assert kernels.to_save() is None


def test_a_cpu_stays_with_plain_kernels(on_gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", None)
    on_gpu.model.device = torch.device("cpu")
    steps(Kernels(on_gpu.model, WIDE, b"saved"), on_gpu, [1.0] * 20)
    assert not on_gpu.asked


@pytest.mark.parametrize(("recomputed", "records"), [(False, 1), (True, 0)])
def test_fails_when_layers_that_run_again_are_recorded(monkeypatch, recomputed, records):
    """They ask for the generator's state, which is an error while a CUDA graph is recorded."""
    recorded = []

    def recording(*_):
        recorded.append(SimpleNamespace(replay=lambda *_: torch.ones(())))
        return recorded[-1]

    monkeypatch.setattr(micro_step, "_Memory", lambda: None)
    monkeypatch.setattr(micro_step, "_Recording", recording)
    monkeypatch.setattr(micro_step, "launched", lambda _: lambda *_: torch.ones(()))
    model = SimpleNamespace(device=torch.device("cpu"), is_gradient_checkpointing=recomputed)
    ids = torch.zeros(1, 64, dtype=torch.int64)
    graphed = micro_step.Graphed(model)
    assert graphed(Batch(ids, ids, ids, 64, 20, 2, 64), 20) == 1
    assert len(recorded) == graphed.recorded == records
