"""All that a run has come to after a step, as files, and back to the same bits."""

import json
from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import load, save

from finetune.training.outcome import Record

Weights = dict[str, torch.Tensor]
MOMENTS = ("exp_avg", "exp_avg_sq", "step")  # of AdamW, for each weight


def to_files(
    weights: Weights, optimizer: torch.optim.Optimizer, record: Record, best: Weights | None
) -> dict[str, bytes]:
    """
    A checkpoint's files: safetensors and JSON, nothing that runs code when it is read. There is no
    state of random number generators or of the schedule, which are functions of the step.
    """
    moments = {
        f"{name}.{moment}": optimizer.state[weight][moment]
        for name, weight in weights.items()
        if weight in optimizer.state
        for moment in MOMENTS
    }
    files = {
        "adapter.safetensors": _bytes(weights),
        "optimizer.safetensors": _bytes(moments),
        "state.json": (json.dumps(asdict(record)) + "\n").encode(),
    }
    if best is not None:
        files["best.safetensors"] = _bytes(best)
    return files


@torch.no_grad()
def from_files(
    files: dict[str, bytes], weights: Weights, optimizer: torch.optim.Optimizer
) -> tuple[Record, Weights | None]:
    """Puts a checkpoint into weights and optimizer, and returns the record and the best adapter."""
    saved, moments = load(files["adapter.safetensors"]), load(files["optimizer.safetensors"])
    for name, weight in weights.items():
        weight.copy_(saved[name])
        if f"{name}.step" in moments:
            state = {moment: moments[f"{name}.{moment}"] for moment in MOMENTS}
            # The counter stays where the optimizer keeps it: on the GPU only where it is fused.
            on_device = MOMENTS if optimizer.defaults["fused"] else MOMENTS[:2]
            state |= {moment: state[moment].to(weight.device) for moment in on_device}
            optimizer.state[weight] = state
    record = _record(json.loads(files["state.json"]))
    best = load(files["best.safetensors"]) if "best.safetensors" in files else None
    return record, best


def copied(weights: Weights) -> Weights:
    """The values as they are now."""
    return {name: weight.detach().clone() for name, weight in weights.items()}


def _bytes(tensors: Weights) -> bytes:
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _record(values: dict[str, Any]) -> Record:
    pairs = {name: [tuple(pair) for pair in values[name]] for name in ("losses", "validation")}
    return Record(**{**values, **pairs})
