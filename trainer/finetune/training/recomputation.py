"""Gradient checkpointing: a layer keeps its input alone, and runs again in the backward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from transformers import PreTrainedModel

from finetune.training.last_layer import last_feed_forward_at, positions_in_use
from finetune.training.packed_attention import attention_named


def recompute_layers(model: PreTrainedModel) -> None:
    """Switches the model to it. `model` may be wrapped by peft."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    contexts = partial(_contexts, causal.get_decoder())
    # Not the reentrant kind, which needs inputs that require gradients.
    model.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": contexts})


def _contexts(decoder: PreTrainedModel) -> tuple[AbstractContextManager, AbstractContextManager]:
    """
    Of a layer's first run and of its second: by then `completion_loss` has put back what it had
    changed for its batch, and the layer would compute something else.
    https://docs.pytorch.org/docs/stable/checkpoint.html
    """
    again = _as_before(decoder, decoder.config._attn_implementation, positions_in_use(decoder))
    return nullcontext(), again


@contextmanager
def _as_before(
    decoder: PreTrainedModel, attention: str, positions: torch.Tensor | None
) -> Iterator[None]:
    with attention_named(decoder, attention), last_feed_forward_at(decoder, positions):
        yield
