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
def last_feed_forward_at(
    decoder: PreTrainedModel, positions: torch.Tensor | None
) -> Iterator[None]:
    """
    `positions` [graded] of the flattened batch, each at most once; None for all. Elsewhere the last
    layer's output is that of its attention. Layers of another form, a mixture of experts say, stay
    whole.
    """
    chosen = _chosen(decoder)
    before, chosen.positions = chosen.positions, positions
    try:
        yield
    finally:
        chosen.positions = before


def positions_in_use(decoder: PreTrainedModel) -> torch.Tensor | None:
    """What `last_feed_forward_at` says just now."""
    return _chosen(decoder).positions


class _Chosen:
    positions: torch.Tensor | None = None


def _chosen(decoder: PreTrainedModel) -> _Chosen:
    """What the last layer goes by. Installed once: a new function would be compiled anew."""
    feed_forward = getattr(decoder.layers[-1], "mlp", None)
    if not hasattr(feed_forward, "down_proj"):
        return _Chosen()
    if getattr(feed_forward.forward, "func", None) is not _at:
        feed_forward.forward = partial(_at, feed_forward.forward, chosen=_Chosen())
    return feed_forward.forward.keywords["chosen"]


def _at(whole: nn.Module, hidden: torch.Tensor, chosen: _Chosen) -> torch.Tensor:
    """`hidden` [rows, width, size]."""
    if chosen.positions is None:
        return whole(hidden)
    flat = hidden.flatten(0, 1)
    some = whole(flat.index_select(0, chosen.positions).unsqueeze(0)).squeeze(0)
    spread = torch.zeros_like(flat, dtype=some.dtype)
    return spread.index_copy(0, chosen.positions, some).view_as(hidden)
