import json
from copy import deepcopy

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import write_base
from tiny_adapter import write_adapter, write_version

from finetune.publishing import shards
from finetune.publishing.merging import (
    merge_into,
    merged_tensors,
    publish_merged,
    require_mergeable,
)
from finetune.training.base_model import load_model
from finetune.verdict import BadInput

CPU = torch.device("cpu")
SHAPES = ["gemma", "gemma2", "gemma3", "gemma3_conditional", "llama", "qwen2", "qwen3"]
KINDS = {"lora": {}, "rslora": {"use_rslora": True}, "dora": {"use_dora": True}}


@pytest.fixture(scope="session")
def all_bases(tmp_path_factory):
    return {shape: write_base(tmp_path_factory.mktemp(shape), shape) for shape in SHAPES}


def logits(model, length=40):
    ids = torch.arange(3, 3 + length).unsqueeze(0) * 7 % 250 + 3
    with torch.no_grad():
        return model.float().eval()(input_ids=ids).logits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_files_model_in_place_and_adapter_on_its_base_are_one_model(
    all_bases, tmp_path, shape, kind
):
    base = all_bases[shape]
    adapter = write_adapter(base, tmp_path / "adapter", **KINDS[kind])
    version = write_version(base, adapter, tmp_path / "version")

    reread, before = load_model(version, CPU), load_model(base, CPU)
    in_place, untouched, adaptable = (deepcopy(before) for _ in range(3))
    merge_into(in_place, adapter)
    # float64: what is left as a difference is the one rounding of the merged matrices.
    exact = PeftModel.from_pretrained(untouched.double(), adapter).merge_and_unload()
    changed = 0
    for (name, weight), wanted in zip(reread.named_parameters(), exact.parameters(), strict=True):
        assert torch.equal(weight, in_place.get_parameter(name)), name
        half_a_unit = wanted.abs() * 2**-8 * (1 + 1e-6)
        assert ((weight.double() - wanted).abs() <= half_a_unit).all(), name
        changed += not torch.equal(weight, before.get_parameter(name))
    assert changed == 14  # seven linear layers in each of two decoder layers

    on_base = PeftModel.from_pretrained(adaptable.float(), adapter)
    plain, merged, adapted = (logits(one) for one in (before, reread, on_base))
    # Seen: 0.1 to 1.0 % of what the adapter changes; half a unit of bfloat16 is 0.2 to 0.4 %.
    assert (merged - adapted).norm() < 2**-6 * (adapted - plain).norm()


def test_shards_are_small_uploaded_one_by_one_and_gone_at_once(all_bases, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "LARGEST_SHARD", 15_000)
    base = all_bases["qwen2"]
    adapter = write_adapter(base, tmp_path / "adapter")
    directory, seen = tmp_path / "version", []
    directory.mkdir()

    def on_shard(path):
        seen.append((path.name, load_file(path)))
        assert [one.name for one in directory.iterdir()] == [path.name]

    written = publish_merged(base, adapter, directory, on_shard)
    count = len(seen)
    assert count > 3
    assert list(written) == [name for name, _ in seen]
    assert list(written)[0] == f"model-00001-of-{count:05d}.safetensors"
    assert [path.name for path in directory.iterdir()] == ["model.safetensors.index.json"]
    index = json.loads((directory / "model.safetensors.index.json").read_text())
    tensors = {name: tensor for _, shard in seen for name, tensor in shard.items()}
    assert index["weight_map"] == {name: file for file, shard in seen for name in shard}
    assert index["metadata"]["total_size"] == sum(one.nbytes for one in tensors.values())
    for name, tensor in merged_tensors(base, adapter):
        assert torch.equal(tensors[name], tensor)
    # A second attempt, after the first was killed, writes the same bytes.
    assert publish_merged(base, adapter, directory, lambda _: None) == written


def test_a_shard_has_the_format_of_safetensors_and_the_checksum_of_its_bytes(all_bases, tmp_path):
    from finetune.storage.checksum import stored_file

    base = all_bases["llama"]
    adapter = write_adapter(base, tmp_path / "adapter")
    described = []
    written = publish_merged(base, adapter, tmp_path, lambda path: described.append(
        (stored_file(path), safe_open(path, "pt").metadata(), load_file(path))
    ))  # fmt: skip
    assert [one[0] for one in described] == list(written.values())
    assert described[0][1] == {"format": "pt"}
    assert {tensor.dtype for tensor in described[0][2].values()} == {torch.bfloat16}


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def test_a_base_in_another_precision_counts_as_the_bfloat16_it_was_trained_as(
    all_bases, tmp_path, kind
):
    base = tmp_path / "base"
    model = load_model(all_bases["llama"], CPU)
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1e-3 * torch.randn_like(weight))
    model.to(kind).save_pretrained(base)
    adapter = write_adapter(all_bases["llama"], tmp_path / "adapter")
    in_place = load_model(base, CPU)
    merge_into(in_place, adapter)
    for name, tensor in merged_tensors(base, adapter):
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(in_place.get_parameter(name).to(torch.bfloat16), tensor)


def test_whatever_the_base_calls_its_tensors_is_found_and_kept(all_bases, tmp_path):
    """transformers writes language_model.model.layers for Gemma 3, others what the model has."""
    base, other = all_bases["gemma3_conditional"], tmp_path / "gemma3_conditional"
    other.mkdir()
    for path in base.iterdir():
        if path.name != "model.safetensors":
            (other / path.name).write_bytes(path.read_bytes())
    tensors = {}
    for name, tensor in load_file(base / "model.safetensors").items():
        assert not name.startswith("model.")
        renamed = name.replace("language_model.model.", "language_model.")
        tensors[f"model.{renamed}"] = tensor
    assert "model.language_model.layers.0.mlp.up_proj.weight" in tensors
    save_file(tensors, other / "model.safetensors", {"format": "pt"})

    adapter = write_adapter(other, tmp_path / "adapter")
    version = write_version(other, adapter, tmp_path / "version")
    kept = {name for name in tensors if "vision_tower" not in name}
    published = load_file(version / "model.safetensors").keys()
    assert {name for name in published if ".vision_tower.vision_model." not in name} == kept
    merged = load_model(other, CPU)
    merge_into(merged, adapter)
    for name, weight in load_model(version, CPU).named_parameters():
        assert torch.equal(weight, merged.get_parameter(name)), name


def test_patterns_of_rank_and_alpha_count(all_bases, tmp_path):
    base = all_bases["llama"]
    adapter = write_adapter(
        base, tmp_path / "adapter", rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 5}
    )
    exact = PeftModel.from_pretrained(load_model(base, CPU).double(), adapter).merge_and_unload()
    for name, tensor in merged_tensors(base, adapter):
        wanted = exact.get_parameter(name)
        assert ((tensor.double() - wanted).abs() <= wanted.abs() * 2**-8 * (1 + 1e-6)).all(), name


def changed_adapter(base, directory, change):
    adapter = write_adapter(base, directory)
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    return adapter


def first(tensors, part):
    return next(name for name in sorted(tensors) if part in name)


def test_fails_when_the_adapter_is_not_finite(all_bases, tmp_path):
    def break_it(tensors):
        tensors[first(tensors, "lora_A")][0, 0] = float("nan")

    adapter = changed_adapter(all_bases["llama"], tmp_path / "adapter", break_it)
    with pytest.raises(ArithmeticError, match="not finite"):
        merge_into(load_model(all_bases["llama"], CPU), adapter)
    with pytest.raises(ArithmeticError, match="not finite"):
        list(merged_tensors(all_bases["llama"], adapter))


def test_fails_when_a_layer_of_the_adapter_is_not_in_the_base(all_bases, tmp_path):
    def rename(tensors):
        for name in [one for one in tensors if ".layers.1.mlp.up_proj." in one]:
            tensors[name.replace("layers.1", "layers.7")] = tensors.pop(name)

    adapter = changed_adapter(all_bases["llama"], tmp_path / "adapter", rename)
    with pytest.raises(BadInput, match=r"layers\.7\.mlp\.up_proj has no weight in the base's"):
        next(merged_tensors(all_bases["llama"], adapter))
    with pytest.raises(BadInput, match=r"layers\.7\.mlp\.up_proj has no unquantized weight"):
        merge_into(load_model(all_bases["llama"], CPU), adapter)


def test_fails_when_the_adapter_has_a_tensor_that_would_be_left_out(all_bases, tmp_path):
    def add(tensors):
        tensors["base_model.model.lm_head.weight"] = torch.zeros(2, 2)

    adapter = changed_adapter(all_bases["llama"], tmp_path / "adapter", add)
    with pytest.raises(BadInput, match=r"lm_head\.weight would be left out"):
        next(merged_tensors(all_bases["llama"], adapter))


def test_fails_when_the_adapter_belongs_to_a_base_of_another_size(all_bases, tmp_path):
    other = write_base(tmp_path / "other", "llama", hidden_size=48)
    adapter = write_adapter(all_bases["llama"], tmp_path / "adapter")
    with pytest.raises(BadInput, match=r"is for a matrix of 32 x 64, .* belongs to another base"):
        list(merged_tensors(other, adapter))


def test_fails_when_the_base_is_quantized(all_bases, tmp_path):
    adapter = write_adapter(all_bases["llama"], tmp_path / "adapter")
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "fp8"}}')
    with pytest.raises(BadInput, match="the base is quantized"):
        next(merged_tensors(tmp_path, adapter))


def test_fails_before_training_when_a_layer_shares_its_weight(all_bases):
    base = all_bases["llama"]
    require_mergeable(base, ["model.layers.0.self_attn.q_proj"])
    with pytest.raises(BadInput, match="what is learnt for lm_head could not be merged"):
        require_mergeable(base, ["lm_head"])
