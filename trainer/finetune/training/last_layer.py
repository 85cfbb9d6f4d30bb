"""
The last layer's feed-forward for graded positions alone: nobody reads its output at the others, and
no later layer attends to them. Of a prompt's tokens it is most of what that layer computes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel


@contextmanager
def last_feed_forward_at(decoder: PreTrainedModel, positions: torch.Tensor) -> Iterator[None]:
    """
    `positions` [graded] of the flattened batch, each at most once. Elsewhere the last layer's
    output is that of its attention. Layers of another form, a mixture of experts say, stay whole.
    """
    feed_forward = getattr(decoder.layers[-1], "mlp", None)
    if not hasattr(feed_forward, "down_proj"):
        yield
        return
    # Installed once: a new function would be compiled anew.
    if not isinstance(getattr(feed_forward.forward, "keywords", None), dict):
        feed_forward.forward = partial(_at, feed_forward.forward, chosen=_Chosen())
    chosen = feed_forward.forward.keywords["chosen"]
    chosen.positions = positions
    try:
        yield
    finally:
        chosen.positions = None


class _Chosen:
    positions: torch.Tensor | None = None


def _at(whole: nn.Module, hidden: torch.Tensor, chosen: _Chosen) -> torch.Tensor:
    """`hidden` [rows, width, size]."""
    if chosen.positions is None:
        return whole(hidden)
    flat = hidden.flatten(0, 1)
    some = whole(flat.index_select(0, chosen.positions).unsqueeze(0)).squeeze(0)
    spread = torch.zeros_like(flat, dtype=some.dtype)
    return spread.index_copy(0, chosen.positions, some).view_as(hidden)
