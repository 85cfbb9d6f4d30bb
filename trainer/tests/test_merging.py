import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from finetune.publishing.merging import merge, save_version
from finetune.training.base_model import load_model, load_tokenizer

CPU = torch.device("cpu")


@pytest.fixture
def adapter(bases, tmp_path):
    def write(shape):
        torch.manual_seed(1)
        config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(load_model(bases[shape], CPU), config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:  # zero at first: the adapter would change nothing
                torch.nn.init.normal_(weight, std=0.3)
        model.save_pretrained(tmp_path / "adapter")
        return tmp_path / "adapter"

    return write


@pytest.mark.parametrize("shape", ["llama", "gemma", "gemma2"])
def test_the_saved_model_is_base_and_adapter_to_bfloat16_rounding(bases, adapter, tmp_path, shape):
    directory = adapter(shape)
    save_version(
        merge(load_model(bases[shape], CPU), directory),
        bases[shape],
        directory,
        tmp_path / "version",
    )
    merged = load_model(tmp_path / "version", CPU)
    config = json.loads((tmp_path / "version" / "config.json").read_text("utf-8"))
    assert config["dtype"] == "bfloat16"

    exact = load_model(bases[shape], CPU).float()
    exact = PeftModel.from_pretrained(exact, directory).merge_and_unload()
    changed = 0
    for (name, weight), (other, wanted) in zip(
        merged.named_parameters(), exact.named_parameters(), strict=True
    ):
        assert name == other
        rounded = wanted.to(torch.bfloat16).to(weight.dtype)
        torch.testing.assert_close(weight, rounded, atol=0, rtol=0)
        base = load_model(bases[shape], CPU).get_parameter(name)
        changed += not torch.equal(weight, base)
    assert changed == 14  # seven linear layers in each of two decoder layers


def test_the_version_has_the_bases_own_tokenizer_and_stops_at_its_end_token(
    bases, adapter, tmp_path
):
    directory = adapter("llama")
    model = merge(load_model(bases["llama"], CPU), directory)
    model.generation_config.do_sample, model.generation_config.temperature = True, 0.6
    model.generation_config.eos_token_id = 0
    save_version(model, bases["llama"], directory, tmp_path / "version")
    from transformers import AutoTokenizer, GenerationConfig

    assert AutoTokenizer.from_pretrained(tmp_path / "version").pad_token is None
    generation = GenerationConfig.from_pretrained(tmp_path / "version")
    assert generation.eos_token_id == [load_tokenizer(bases["llama"]).eos_token_id, 0]
    assert not generation.do_sample
    assert (tmp_path / "version" / "adapter" / "adapter_model.safetensors").is_file()


def test_fails_when_the_adapter_is_not_finite(bases, adapter):
    from safetensors.torch import load_file, save_file

    path = adapter("llama") / "adapter_model.safetensors"
    weights = load_file(path)
    weights[next(iter(weights))][0, 0] = float("nan")
    save_file(weights, path)
    with pytest.raises(ArithmeticError, match="not finite"):
        merge(load_model(bases["llama"], CPU), path.parent)
