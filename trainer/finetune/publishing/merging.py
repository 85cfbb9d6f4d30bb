"""Adapter and base become one ordinary model, which a server loads without knowing of LoRA."""

import shutil
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoTokenizer, GenerationConfig, PreTrainedModel

# Several shards load and copy at the same time.
LARGEST_SHARD = "2GB"


def merge(base: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """
    Adds the adapter to an unquantised bf16 base, each matrix in float32 with one rounding at the
    end.

    A merge into the 4-bit weights would round them a second time; a merge in bf16 rounds the
    adapter before adding it. Matrix by matrix, because a whole model in float32 is twice as large
    as what the job has room for.
    """
    model = PeftModel.from_pretrained(base, adapter)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, LoraLayer):
                weight = layer.get_base_layer().weight
                merged = (weight.float() + layer.get_delta_weight("default").float()).to(
                    weight.dtype
                )
                if not torch.isfinite(merged).all():
                    raise ArithmeticError(
                        "the merged weights are not finite: the adapter is broken"
                    )
                weight.copy_(merged)
    return model.unload()


def save_version(model: PreTrainedModel, base: Path, adapter: Path, directory: Path) -> None:
    """
    Writes the merged model, the base's own tokenizer and the adapter into a version directory.
    """
    # From the files again: training set padding on its own copy, which is no business of the
    # server's.
    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if tokenizer.eos_token_id not in ends:
        ends = [tokenizer.eos_token_id, *ends]
    # Only the tokens: a base's sampling defaults would make a server's answers random.
    model.generation_config = GenerationConfig(
        bos_token_id=model.generation_config.bos_token_id,
        eos_token_id=ends[0] if len(ends) == 1 else ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = model.to(torch.bfloat16)
    model.save_pretrained(directory, max_shard_size=LARGEST_SHARD)
    tokenizer.save_pretrained(directory)
    shutil.copytree(adapter, directory / "adapter")
