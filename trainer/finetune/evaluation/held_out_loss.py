"""The loss on held-out rows: how sure a model is of the expected answers."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from finetune.data.encoding import encode, fitting
from finetune.data.example import Example
from finetune.training.loss import completion_loss
from finetune.training.packing import batches


@torch.no_grad()
def held_out_loss(
    model: PreTrainedModel, tokenizer: Any, examples: Sequence[Example], length: int, rows: int
) -> float | None:
    """
    Nats per token of the completions and their end tokens, over the examples of at most `length`
    tokens (as in training), `rows` packed rows at a time; None where there is none.
    """
    documents = fitting(encode(list(examples), tokenizer), length)
    total, tokens = 0.0, 0
    for batch in batches(documents, length, rows, tokenizer.pad_token_id, fixed=False):
        total += completion_loss(model, batch.to(model.device)).item()
        tokens += batch.graded
    return total / tokens if tokens else None
