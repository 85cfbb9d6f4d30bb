"""
One process, or several of one torchrun: who this is, and what they tell each other.

Adapters are a few megabytes, so that summing their flattened gradients once a step is all that
training needs; a wrapper around the model would only stand in the way of compiled layers.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import distributed

T = TypeVar("T")


def world() -> int:
    """How many processes train together (torchrun's WORLD_SIZE; 1 without it)."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number; 0 alone writes, logs and publishes."""
    return int(os.environ.get("RANK", "0"))


def start(device: torch.device) -> None:
    """Joins the others, if there are any: NCCL between GPUs, gloo between CPUs."""
    if world() > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")


def device() -> torch.device:
    """This process's GPU, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(chosen)
    return chosen


def add_up(tensors: Iterable[torch.Tensor]) -> None:
    """Replaces each tensor by its sum over all processes, in one message."""
    if world() == 1:
        return
    tensors = list(tensors)
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    parts = flat.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))


def any_of(flag: bool, device: torch.device) -> bool:
    """
    Whether the flag is set in any process: all must stop, or save, after the same step.
    """
    if world() == 1:
        return flag
    told = torch.tensor(int(flag), device=device)
    distributed.all_reduce(told, distributed.ReduceOp.MAX)
    return bool(told.item())


def from_first(value: T) -> T:
    """What process 0 holds, in every process."""
    if world() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]
