"""Frozen linear layers in float8: about twice the matrix throughput of bf16."""

from typing import Any

import torch
from torch import nn

from finetune.training.compilation import decoder_layers

# e4m3 for values and gradients alike: every row has a scale of its own, so that range is no
# concern, and e5m2 would give up a bit of precision for range.
FLOAT8 = torch.float8_e4m3fn
LARGEST = torch.finfo(FLOAT8).max
ALIGNED = 16  # _scaled_mm takes inner and outer dimensions that are multiples of 16


def quantize(model: nn.Module) -> int:
    """
    Replaces the frozen linear layers of the feed-forward parts, nine tenths of the arithmetic, of a
    model with adapters attached, one at a time, and returns how many. The attention's stay as they
    are: with them in float8 as well, held-out loss was worse for every seed (docs/performance.md).
    So do adapters, layers whose dimensions are not multiples of 16, and those whose adapter reads
    the weight itself (DoRA).
    """
    replaced = 0
    for layer in decoder_layers(model):
        for parent in list(getattr(layer, "mlp", nn.Module()).modules()):
            if getattr(parent, "lora_variant", None):
                continue
            for name, child in list(parent.named_children()):
                if _suits(child):
                    setattr(parent, name, Float8Linear(child))
                    replaced += 1
    return replaced


def _suits(layer: nn.Module) -> bool:
    # Exactly nn.Linear: a subclass (4 bits, say) has a weight of another form.
    return (
        type(layer) is nn.Linear
        and not layer.weight.requires_grad
        and layer.in_features % ALIGNED == 0
        and layer.out_features % ALIGNED == 0
    )


class Float8Linear(nn.Module):
    """
    A frozen linear layer that holds its weight twice in float8, which takes as much memory as bf16:
    `weight` [out, in] with a scale for each output, and `transposed` [in, out] with one for each
    input, for the gradient. Tensor cores take float8 in one layout only: a single copy would have
    to be transposed for every product with the gradient.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        with torch.no_grad():
            weight, weight_scale = scaled(linear.weight)
            transposed, transposed_scale = scaled(linear.weight.T)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("weight_scale", weight_scale)
        self.register_buffer("transposed", transposed)
        self.register_buffer("transposed_scale", transposed_scale)
        self.bias = linear.bias

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """`[..., in]` to `[..., out]`, in the value's type."""
        output = _product_with_gradient(
            value.flatten(0, -2),
            self.weight,
            self.weight_scale,
            self.transposed,
            self.transposed_scale,
        ).unflatten(0, value.shape[:-1])
        return output if self.bias is None else output + self.bias

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, e4m3"


def scaled(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`[rows, columns]` in e4m3, and each row's scale, float32 `[rows, 1]`."""
    largest = value.abs().amax(1, keepdim=True).float()
    scale = largest.clamp(min=1e-12) / LARGEST
    return (value.float() / scale).to(FLOAT8).contiguous(), scale


def product(
    left: torch.Tensor, left_scale: torch.Tensor, right: torch.Tensor, right_scale: torch.Tensor
) -> torch.Tensor:
    """left [m, k] times the transpose of right [n, k], rows scaled, `[m, n]` bf16."""
    return torch._scaled_mm(
        left,
        right.T,
        scale_a=left_scale,
        scale_b=right_scale.T,
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )


class _Product(torch.autograd.Function):
    """Value and gradient are scaled row by row as they come; nothing is kept for the backward."""

    @staticmethod
    def forward(
        ctx: Any,
        value: torch.Tensor,
        weight: torch.Tensor,
        weight_scale: torch.Tensor,
        transposed: torch.Tensor,
        transposed_scale: torch.Tensor,
    ) -> torch.Tensor:
        ctx.save_for_backward(transposed, transposed_scale)
        ctx.kind = value.dtype
        return product(*scaled(value), weight, weight_scale).to(value.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        transposed, transposed_scale = ctx.saved_tensors
        back = product(*scaled(gradient), transposed, transposed_scale)
        return back.to(ctx.kind), None, None, None, None


# Traced below dynamo: torch 2.11's dynamo loses the gradient of an autograd.Function under autocast
# and without a word trains on something else.
@torch._dynamo.allow_in_graph
def _product_with_gradient(*tensors: torch.Tensor) -> torch.Tensor:
    return _Product.apply(*tensors)
