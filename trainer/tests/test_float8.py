"""Frozen layers in float8: close to the layer they replace, and out of the adapters' way."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from finetune.training import float8
from finetune.training.compilation import compile_layers
from finetune.training.float8 import Float8Linear, quantize
from tests.tiny import tiny_model


@pytest.fixture
def emulated(monkeypatch):
    """The same numbers by float32 products: float8 kernels need a GPU."""

    def product(left, left_scale, right, right_scale):
        wide = (left.float() * left_scale) @ (right.float() * right_scale).T
        return wide.to(torch.bfloat16)

    monkeypatch.setattr(float8, "product", product)


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def test_output_and_gradient_are_within_four_percent(emulated):
    torch.manual_seed(0)
    linear = nn.Linear(256, 128, bias=False).to(torch.bfloat16).requires_grad_(False)
    value = torch.randn(2, 32, 256, dtype=torch.bfloat16, requires_grad=True)
    pull = torch.randn(2, 32, 128, dtype=torch.bfloat16)
    linear(value).backward(pull)
    expected, value.grad = value.grad, None
    output = Float8Linear(linear)(value)
    output.backward(pull)
    assert relative(output.float(), linear(value).float()) < 0.04
    assert relative(value.grad.float(), expected.float()) < 0.04


def test_a_row_of_zeros_stays_zero(emulated):
    linear = nn.Linear(32, 16, bias=False).to(torch.bfloat16).requires_grad_(False)
    assert not Float8Linear(linear)(torch.zeros(4, 32, dtype=torch.bfloat16)).any()


def test_it_takes_no_more_memory_than_bfloat16():
    linear = nn.Linear(256, 512, bias=False).to(torch.bfloat16).requires_grad_(False)
    layer = Float8Linear(linear)
    held = [*layer.parameters(), *layer.buffers()]
    size = sum(tensor.numel() * tensor.element_size() for tensor in held)
    assert size <= 256 * 512 * 2 + 4 * (256 + 512)


def adapted(*targets, **settings):
    model = tiny_model("gemma", 96).to(torch.bfloat16)
    targets = [*(targets or ("q_proj", "v_proj"))]
    config = LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM", **settings)
    return get_peft_model(model, config)


def test_feed_forward_layers_are_replaced_and_attention_adapters_and_head_are_not(emulated):
    model = adapted()
    # Three linear layers in each of two layers.
    assert quantize(model) == 6
    layer = model.get_base_model().model.layers[0]
    assert isinstance(layer.mlp.down_proj, Float8Linear)
    assert type(layer.self_attn.q_proj.base_layer) is nn.Linear
    assert layer.self_attn.q_proj.lora_A["default"].weight.dtype == torch.float32
    assert type(model.get_output_embeddings()) is nn.Linear
    with torch.autocast("cpu", torch.bfloat16):
        model(input_ids=torch.tensor([[3, 4, 5]])).logits.sum().backward()
    assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad)


def gradients(model):
    for weight in model.parameters():
        weight.grad = None
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=torch.tensor([[3, 4, 5, 6]])).logits
    logits.float().logsumexp(-1).sum().backward()
    return [weight.grad for weight in model.parameters() if weight.requires_grad]


def test_fails_when_compiled_layers_have_another_gradient(emulated):
    torch._dynamo.reset()
    model = adapted(init_lora_weights=False)
    quantize(model)
    expected = gradients(model)
    compile_layers(model, "aot_eager")
    for found, wanted in zip(gradients(model), expected, strict=True):
        assert relative(found, wanted) < 0.03


def test_dimensions_that_float8_kernels_refuse_stay_in_bfloat16():
    model = tiny_model("llama", 96, intermediate_size=72).to(torch.bfloat16).requires_grad_(False)
    assert quantize(model) == 0
    assert type(model.model.layers[0].mlp.up_proj) is nn.Linear


def test_fails_when_a_weight_that_dora_reads_is_put_in_float8(emulated):
    model = adapted("up_proj", use_dora=True)
    quantize(model)
    feed_forward = model.get_base_model().model.layers[0].mlp
    assert type(feed_forward.up_proj.base_layer) is nn.Linear
    assert isinstance(feed_forward.down_proj, Float8Linear)
