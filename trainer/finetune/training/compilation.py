"""Compiled decoder layers: whether they pay, and their kernels kept for the next attempt."""

import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.training import loss

# Share of a step that compiling saves and seconds that it takes, until a run has measured its own:
# a Gemma 2B in bf16 on an H100 took 30 seconds and saved 35 % (docs/performance.md). The time is
# doubled for machines with fewer cores.
GAIN, COLD_SECONDS = 0.35, 60.0
# The saving has to be this many times the compile time, both being estimates.
MARGIN = 1.5


@dataclass(frozen=True)
class Compiled:
    """
    What a run has measured about compiling: seconds that the first compiled step took longer, and
    the share of a step that it saves. `device` and `torch` say where it holds.
    """

    device: str
    torch: str
    seconds: float
    gain: float


def worthwhile(steps_left: int, step_seconds: float, known: Compiled | None = None) -> bool:
    """
    Whether compiling saves clearly more time than it takes. `known` is what an earlier attempt
    measured, whose kernels are at hand.
    """
    gain = known.gain if known else GAIN
    seconds = known.seconds if known else COLD_SECONDS
    return steps_left * step_seconds * gain > MARGIN * seconds


def compiler_at_hand() -> bool:
    """Whether there is a C compiler, which Triton builds its launchers with; else says so."""
    names = [os.environ.get("CC"), "cc", "gcc", "clang"]
    if any(name and shutil.which(name) for name in names):
        return True
    print(
        "no C compiler (cc, gcc, clang or CC): layers stay uncompiled, which is slower", flush=True
    )
    return False


def compile_layers(
    model: PreTrainedModel, backend: str = "inductor", any_length: bool = False
) -> bool:
    """
    Compiles each decoder layer and the loss, once for all batches: for the one shape that they
    have, or for `any_length` of a row. False where this machine cannot (a line says why).
    Compilation itself happens with the first batch. On a CPU nothing is compiled but for a
    `backend` of tests: it would take longer than it saves.
    """
    if backend == "inductor" and (model.device.type != "cuda" or not compiler_at_hand()):
        return False
    # The first layer's input comes from frozen embeddings. Where it takes a gradient as all others
    # do, that layer needs no graph of its own.
    model.get_input_embeddings().register_forward_hook(_requires_gradient)
    # One graph for all layers of a kind, one more where gradients are off; Gemma 3 has two kinds.
    torch._dynamo.config.cache_size_limit = max(torch._dynamo.config.cache_size_limit, 16)
    # A factor of an adapter that might change would be read from the CPU at every call.
    torch._dynamo.config.specialize_float = True
    for layer in decoder_layers(model):
        layer.compile(backend=backend, dynamic=any_length)
    loss.fuse(model, backend)
    return True


def uncompile_layers(model: PreTrainedModel) -> None:
    """Back to plain layers, where compiling has failed."""
    for layer in decoder_layers(model):
        layer._compiled_call_impl = None
    head = model.get_output_embeddings()
    if hasattr(head, "fused_loss"):
        del head.fused_loss


def _requires_gradient(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
    output.requires_grad_(torch.is_grad_enabled())


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The layers of the language model."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    return causal.get_decoder().layers


def save_kernels(measured: Compiled) -> bytes | None:
    """
    What was compiled in this process, for `load_kernels` of a later attempt; None without kernels.
    """
    artifacts = torch.compiler.save_cache_artifacts()
    if artifacts is None:
        return None
    return json.dumps(measured.__dict__).encode() + b"\n" + artifacts[0]


def load_kernels(saved: bytes, device: torch.device) -> Compiled | None:
    """
    Takes up what an earlier attempt compiled; None where it was another device or PyTorch, or the
    bytes are damaged. Only for bytes out of the run's own checkpoints: reading them runs code.
    """
    started = time.monotonic()
    try:
        line, artifacts = saved.split(b"\n", 1)
        measured = Compiled(**json.loads(line))
        if (measured.device, measured.torch) != (device_name(device), torch.__version__):
            return None
        if torch.compiler.load_cache_artifacts(artifacts) is None:
            return None
    except (ValueError, TypeError, RuntimeError):
        return None
    # With the kernels at hand only tracing is left, about an eighth (measured: 58 s, then 8 s).
    seconds = measured.seconds / 8 + time.monotonic() - started
    return Compiled(measured.device, measured.torch, seconds, measured.gain)


def device_name(device: torch.device) -> str:
    """The card's name, or the device's kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
