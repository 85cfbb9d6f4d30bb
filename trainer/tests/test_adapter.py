import json

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from tiny import environment, write_base

from finetune.settings import read_settings
from finetune.training.adapter import attach, save_adapter
from finetune.training.base_model import load_model
from finetune.training.start_adapter import check_start_adapter
from finetune.verdict import BadInput

CPU = torch.device("cpu")


@pytest.fixture
def adapted(bases, set_environment):
    def make(shape="llama", base=None, **changes):
        base = base or bases[shape]
        set_environment(environment(base, "/data", "/b", **changes))
        settings = read_settings()
        return attach(load_model(base, CPU, "fp32"), settings), settings

    return make


@pytest.fixture(scope="session")
def conditional(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("gemma3"), "gemma3_conditional")


def trainable(model):
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def adapted_modules(model):
    return {
        name.partition(".lora_")[0].rpartition("base_model.model.")[2] for name in trainable(model)
    }


def save(model, settings, directory):
    for name, weight in trainable(model).items():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    save_adapter(model, directory, settings, "abc")
    return str(directory)


def test_adapters_are_float32_on_a_bfloat16_base_and_equal_for_equal_seeds(bases, adapted):
    model = attach(load_model(bases["llama"], CPU).to(torch.bfloat16), adapted()[1])
    assert {weight.dtype for weight in trainable(model).values()} == {torch.float32}
    first = trainable(adapted()[0])
    torch.manual_seed(5)
    second = trainable(adapted()[0])
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = trainable(adapted(SEED="7")[0])
    assert not any(torch.equal(first[name], other[name]) for name in first if "lora_A" in name)


def test_all_linear_means_the_language_models_layers_only(adapted, conditional):
    modules = adapted_modules(adapted(base=conditional)[0])
    assert len(modules) == 14
    assert all(name.startswith("model.language_model.layers.") for name in modules)
    assert not any("lm_head" in name for name in adapted_modules(adapted("llama")[0]))


def test_named_modules_of_a_vision_tower_are_left_alone(adapted, conditional, tmp_path):
    model, settings = adapted(base=conditional, LORA_TARGET_MODULES="v_proj,q_proj")
    modules = adapted_modules(model)
    assert len(modules) == 4 and not any("vision" in name for name in modules)
    # So does whoever loads the adapter with peft.
    save(model, settings, tmp_path / "adapter")
    again = PeftModel.from_pretrained(load_model(conditional, CPU, "fp32"), tmp_path / "adapter")
    assert {name.partition(".lora_")[0] for name in again.state_dict() if ".lora_" in name} == {
        name.partition(".lora_")[0] for name in model.state_dict() if ".lora_" in name
    }


@pytest.mark.parametrize("names", ["q_proj,nothing", "lm_head", "q_pro"])
def test_fails_when_a_target_module_is_not_there_and_names_those_that_are(adapted, names):
    wrong = names.split(",")[-1]
    with pytest.raises(
        BadInput, match=f"LORA_TARGET_MODULES: the base has no {wrong}; .*down_proj, gate_proj"
    ):
        adapted(LORA_TARGET_MODULES=names)


def test_rslora_and_dora_are_trained_as_peft_has_them(adapted):
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    assert adapted()[0].get_submodule(layer).scaling["default"] == 16 / 8
    model, _ = adapted(USE_RSLORA="true", USE_DORA="true")
    assert model.get_submodule(layer).scaling["default"] == pytest.approx(16 / 8**0.5)
    assert any("lora_magnitude_vector" in name for name in trainable(model))
    assert {weight.dtype for weight in trainable(model).values()} == {torch.float32}


@pytest.mark.parametrize("changes", [{}, {"USE_DORA": "true", "LORA_TARGET_MODULES": "q_proj"}])
def test_an_adapter_is_written_for_its_base_and_loads_with_peft(bases, adapted, tmp_path, changes):
    model, settings = adapted(**changes)
    directory = save(model, settings, tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == str(bases["llama"]) and config["revision"] is None
    assert config["target_modules"] == sorted(config["target_modules"])
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    again = PeftModel.from_pretrained(load_model(bases["llama"], CPU, "fp32"), directory)
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        wanted = model.eval()(input_ids=ids).logits
        torch.testing.assert_close(again.eval()(input_ids=ids).logits, wanted)


@pytest.mark.parametrize("in_bucket", [True, False])
def test_training_can_start_from_a_published_adapter(adapted, cloud, tmp_path, in_bucket):
    published, settings = adapted()
    place = save(published, settings, tmp_path / "adapter")
    if in_bucket:
        for path in (tmp_path / "adapter").iterdir():
            cloud.objects["models", f"m/1/adapter/{path.name}"] = path.read_bytes()
        place = "gs://models/m/1/adapter"
    model, settings = adapted(START_ADAPTER=place, SEED="7")
    check_start_adapter(settings)
    started, wanted = trainable(model), trainable(published)
    assert all(torch.equal(started[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"LORA_R": "4"}, "its r is 8, and LORA_R 4"),
        ({"LORA_ALPHA": "8"}, "its lora_alpha is 16, and LORA_ALPHA 8"),
        ({"USE_RSLORA": "true"}, "its use_rslora is False, and USE_RSLORA True"),
        ({"USE_DORA": "true"}, "its use_dora is False, and USE_DORA True"),
    ],
)
def test_fails_when_the_start_adapter_has_other_hyperparameters(
    adapted, bases, set_environment, tmp_path, changes, difference
):
    place = save(*adapted(), tmp_path / "adapter")
    set_environment(environment(bases["llama"], "/d", "/b", START_ADAPTER=place, **changes))
    with pytest.raises(BadInput, match=f"START_ADAPTER={place} does not fit: {difference}"):
        check_start_adapter(read_settings())


def test_fails_when_the_start_adapter_is_for_other_modules_or_another_base(adapted, tmp_path):
    place = save(*adapted(LORA_TARGET_MODULES="q_proj"), tmp_path / "adapter")
    with pytest.raises(BadInput, match="k_proj.lora_A.weight is not there, and with this base"):
        adapted(START_ADAPTER=place, LORA_TARGET_MODULES="q_proj,k_proj")
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    name = min(weights)
    weights[name] = torch.zeros(8, 48)
    save_file(weights, tmp_path / "adapter" / "adapter_model.safetensors")
    with pytest.raises(BadInput, match="q_proj.lora_A.weight is 8 x 48, and with .* 8 x 32"):
        adapted(START_ADAPTER=place, LORA_TARGET_MODULES="q_proj")


def test_fails_when_the_start_adapter_is_no_lora_adapter(adapted, tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    _, settings = adapted()
    settings = settings.model_copy(update={"start_adapter": str(tmp_path)})
    with pytest.raises(BadInput, match="it is IA3, and not LORA"):
        check_start_adapter(settings)
