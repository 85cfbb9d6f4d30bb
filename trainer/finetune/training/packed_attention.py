"""
Attention over packed rows that computes each document's own scores and no others, on a GPU.

With a mask, scores of the whole row are computed and most are thrown away. PyTorch's FlashAttention
takes the bounds of the documents instead, and reads the keys of grouped heads without repeating
them. https://arxiv.org/abs/2307.08691
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn.functional import pad
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from finetune.training.packing import Batch

NAME = "packed_flash"
# Tokens of a document that the number of bounds is chosen for; shorter ones make it double.
SHORT = 32
# Bounds of joined rows come in multiples of this, so that few shapes occur.
BOUNDS_STRIDE = 16


@contextmanager
def packed_attention(decoder: PreTrainedModel, batch: Batch) -> Iterator[dict[str, Any]]:
    """
    What to call the decoder with, besides the batch, so that it attends by document bounds; nothing
    where its own attention with a mask is to be used: on a CPU, in other types than bf16, and where
    attention is not sdpa (Gemma 2, whose scores are capped).
    """
    if not (batch.sequences and attends_by_bounds(decoder)):
        yield {}
        return
    longest = batch.longest or batch.input_ids.shape[1]
    bounds = sequence_bounds(batch.position_ids, bounds_needed(batch))
    with attention_named(decoder, NAME):
        yield {"packed_bounds": bounds, "packed_longest": longest}


@contextmanager
def attention_named(decoder: PreTrainedModel, name: str) -> Iterator[None]:
    """Has the decoder attend by one of `ALL_ATTENTION_FUNCTIONS`."""
    config = decoder.config
    before, config._attn_implementation = config._attn_implementation, name
    try:
        yield
    finally:
        config._attn_implementation = before


def attends_by_bounds(decoder: PreTrainedModel) -> bool:
    """Whether no mask is needed, whatever row a document lies in."""
    return decoder.config._attn_implementation == "sdpa" and _suits(decoder)


def bounds_needed(batch: Batch) -> int:
    """
    At least as many as the batch has sequences, and the same for nearly every batch of a shape, for
    which kernels are compiled.
    """
    rows, width = batch.input_ids.shape
    if batch.longest:  # the kernel starts a block for each, also for those that stay empty
        return -(-batch.sequences // BOUNDS_STRIDE) * BOUNDS_STRIDE
    count = rows * width // SHORT + rows
    while count < batch.sequences:
        count *= 2
    return count


def sequence_bounds(position_ids: torch.Tensor, count: int) -> torch.Tensor:
    """
    Where sequences start and end in the flattened batch, int32 `[count + 1]`; those beyond the last
    one are empty.

    A sequence starts at position 0. Padding is all zeros: its run is one sequence, which nobody
    reads. Sorted, not searched, so that the GPU need not report a count.
    """
    zero = position_ids == 0
    before = pad(zero[:, :-1], (1, 0), value=False)
    after = pad(zero[:, 1:], (0, 1), value=True)
    starts = zero & ~(before & after)
    starts[:, 0] = True
    starts = starts.flatten()
    found = (~starts).to(torch.uint8).argsort(stable=True)[:count]
    place = torch.arange(len(found), device=found.device)
    found = torch.where(place < starts.sum(), found, starts.numel())
    return pad(found, (0, 1 + count - len(found)), value=starts.numel()).to(torch.int32)


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    packed_bounds: torch.Tensor | None = None,
    packed_longest: int = 0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' interface: query `[rows, heads, width, size]`, output `[rows, width, ...]`."""
    rows, heads, width, size = query.shape
    flat = [part.transpose(1, 2).flatten(0, 1) for part in (query, key, value)]
    window = None if sliding_window is None else sliding_window - 1
    output = _flash(*flat, packed_bounds, packed_longest, scaling, window)
    return output.view(rows, width, heads, size), None


ALL_ATTENTION_FUNCTIONS[NAME] = _attend


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: torch.Tensor,
    longest: int,
    scale: float | None = None,
    window: int | None = None,
) -> torch.Tensor:
    """
    Causal attention between `bounds`: query `[tokens, heads, size]`, as the output; key and value
    with the same number of heads or fewer. `window`: how many tokens before its own each one sees.
    """
    return torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        bounds,
        bounds,
        longest,
        longest,
        0.0,
        True,
        False,
        scale=scale,
        window_size_left=window,
        window_size_right=None if window is None else 0,
    )[0]


def _suits(decoder: PreTrainedModel) -> bool:
    config = decoder.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        decoder.device.type == "cuda"
        and decoder.dtype == torch.bfloat16
        and not getattr(config, "attention_dropout", 0)
        and _kernel_runs(decoder.device, size)
    )


@cache
def _kernel_runs(device: torch.device, size: int) -> bool:
    """Tried once, since cards differ in which head sizes they can take backwards."""
    value = torch.ones(8, 1, size, dtype=torch.bfloat16, device=device, requires_grad=True)
    bounds = torch.tensor([0, 4, 8], dtype=torch.int32, device=device)
    try:
        with torch.enable_grad():
            _flash(value, value, value, bounds, 8).sum().backward()
    except RuntimeError as error:
        print(f"attention with a mask: {str(error).splitlines()[0]}", flush=True)
        return False
    return True
