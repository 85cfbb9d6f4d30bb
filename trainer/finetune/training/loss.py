"""The loss: over the completion's tokens only, and logits for no others."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import PreTrainedModel

from finetune.data.encoding import IGNORED
from finetune.training.last_layer import last_feed_forward_at
from finetune.training.packed_attention import packed_attention
from finetune.training.packing import Batch

# Logits of one chunk: 131 positions of Gemma's 256,000 tokens, with 0.13 GB for each float32 copy.
# The fused kernel keeps none in float32 and takes more, so that products do not wait for weights.
CHUNK_LOGITS, FUSED_CHUNK_LOGITS = 2**25, 2**27
# On a GPU the number of graded positions is rounded up to this, so that few shapes occur.
ROUNDED_TO = 128

LossAndGradient = Callable[
    [torch.Tensor, torch.Tensor, float | None], tuple[torch.Tensor, torch.Tensor]
]


def completion_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """
    Sum of the negative log-likelihood (nats) over the batch's graded positions: a float32 scalar,
    float64 for a float64 model. `model` may be wrapped by peft; the rows' documents see only
    themselves, by their position ids.

    The head and its embeddings stay frozen: no gradient reaches their weights.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    decoder = causal.get_decoder()
    head = causal.get_output_embeddings()
    positions, targets = graded_positions(batch)
    # Their count changes from batch to batch: only layers that are compiled for any length take it.
    takes_any = batch.longest or not hasattr(head, "fused_loss")
    needed = last_feed_forward_at(decoder, positions) if takes_any else nullcontext()
    with packed_attention(decoder, batch) as attention, needed:
        hidden = decoder(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            use_cache=False,
            **attention,
        ).last_hidden_state
    return _HeadLoss.apply(
        hidden.flatten(0, 1).index_select(0, positions),
        head.weight,
        targets,
        getattr(causal.config.get_text_config(), "final_logit_softcapping", None),
        getattr(head, "fused_loss", None),
    )


def fuse(model: PreTrainedModel, backend: str = "inductor") -> None:
    """Compiles what lies between logits and their gradient: two passes in place of a dozen."""
    head = model.get_output_embeddings()
    head.fused_loss = torch.compile(loss_and_gradient, backend=backend)


def graded_positions(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Which positions of the flattened batch predict a graded token, and these tokens, `[graded]`
    each; on a GPU rounded up, with targets of -100. Sorted rather than searched: the count of a
    search has to come back from the GPU, which would run idle meanwhile.
    """
    targets = pad(batch.labels[:, 1:], (0, 1), value=IGNORED).flatten()
    count = batch.graded
    if targets.device.type == "cuda":
        count = min(-(-count // ROUNDED_TO) * ROUNDED_TO, targets.numel())
    positions = (targets == IGNORED).to(torch.uint8).argsort(stable=True)[:count]
    return positions, targets[positions]


def loss_and_gradient(
    logits: torch.Tensor, targets: torch.Tensor, cap: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    The summed loss of `[n, vocabulary]` logits, computed in at least float32, and its gradient in
    their own type. `cap` is Gemma 2's: cap * tanh(logits / cap).
    """
    wide = logits if logits.dtype == torch.float64 else logits.float()
    capped = wide if cap is None else cap * torch.tanh(wide / cap)
    graded = (targets != IGNORED).unsqueeze(1)
    index = targets.clamp(min=0).unsqueeze(1)
    normalizer = capped.logsumexp(1, keepdim=True)
    loss = ((normalizer - capped.gather(1, index)) * graded).sum()
    likelihood = (capped - normalizer).exp()
    hit = torch.arange(logits.shape[1], device=logits.device) == index
    gradient = torch.where(hit, likelihood - 1, likelihood) * graded
    if cap is not None:
        gradient = gradient * (1 - (capped / cap) ** 2)
    return loss, gradient.to(logits.dtype)


class _HeadLoss(torch.autograd.Function):
    """
    Computes the gradient along with the loss, chunk by chunk, so that logits of one chunk exist at
    a time and none is computed twice.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        targets: torch.Tensor,
        cap: float | None,
        fused: LossAndGradient | None,
    ) -> torch.Tensor:
        """`hidden` [n, width], `weight` [vocabulary, width], `targets` [n]."""
        hidden = hidden.to(weight.dtype)
        wide = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        loss = torch.zeros((), dtype=wide, device=hidden.device)
        wanted = ctx.needs_input_grad[0]
        # Where none is wanted, in validation, the compiled kernel is off, and its chunks too large.
        fused = fused if wanted else None
        gradient = torch.empty_like(hidden) if wanted else None
        size = max(1, (FUSED_CHUNK_LOGITS if fused else CHUNK_LOGITS) // weight.shape[0])
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            logits, expected = hidden[part] @ weight.T, targets[part]
            if fused:
                for tensor in (logits, expected):
                    torch._dynamo.maybe_mark_dynamic(tensor, 0)
            part_loss, part_gradient = (fused or loss_and_gradient)(logits, expected, cap)
            loss += part_loss
            if gradient is not None:
                torch.mm(part_gradient, weight, out=gradient[part])
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, scale: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return (gradient * scale).to(gradient.dtype), None, None, None, None
