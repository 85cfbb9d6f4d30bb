"""The LoRA adapters: attached to a base, started from a published one, and written."""

import re
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from finetune.data.source import is_hub_id
from finetune.settings import Settings
from finetune.training.start_adapter import start_from
from finetune.verdict import BadInput


def attach(model: PreTrainedModel, settings: Settings) -> PeftModel:
    """
    The model with trainable adapters in float32 (bfloat16's 8 bits swallow small updates), equal
    for equal SEED; everything else is frozen. With START_ADAPTER they have that one's values.

    Only linear layers of the language model get one: no vision tower or projector, which text says
    nothing about, and not the output layer, whose adapter would be as large as the vocabulary.

    Raises:
        BadInput: LORA_TARGET_MODULES names what is not there, or START_ADAPTER does not fit.
        Unreachable: START_ADAPTER is not there.
    """
    torch.manual_seed(settings.seed)
    targets, outside = _targets(model, settings.lora_target_modules)
    config = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        use_rslora=settings.use_rslora,
        use_dora=settings.use_dora,
        target_modules=targets,
        exclude_modules=outside,
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    for weight in adapted.parameters():
        if weight.requires_grad and weight.dtype != torch.float64:
            weight.data = weight.data.float()
    if settings.start_adapter:
        start_from(adapted, settings)
    return adapted


def _targets(model: PreTrainedModel, wanted: list[str] | str) -> tuple[list[str], str | None]:
    """Names for peft to match the ends of, and a pattern of what is not to be touched."""
    decoder = model.get_decoder()
    prefix = next((name for name, module in model.named_modules() if module is decoder), "")
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    inside = [name for name in linear if name.startswith(f"{prefix}." if prefix else "")]
    if wanted == "all-linear":
        targets = sorted({name.rpartition(".")[2] for name in inside})
    else:
        targets = sorted(set(wanted))
        unknown = [name for name in targets if not any(_matches(one, name) for one in inside)]
        if unknown or not targets:
            there = sorted({name.rpartition(".")[2] for name in inside})
            raise BadInput(
                f"LORA_TARGET_MODULES: the base has no {' or '.join(unknown)}; "
                f'allowed: "all-linear", or of {", ".join(there)}'
            )
    beside = [name for name in set(linear) - set(inside) if any(_matches(name, t) for t in targets)]
    return targets, rf"(?!{re.escape(prefix)}\.).*" if beside else None


def _matches(module: str, target: str) -> bool:
    return module == target or module.endswith(f".{target}")


def save_adapter(model: PeftModel, directory: Path, settings: Settings, resolved: str) -> None:
    """
    Writes the adapters in peft's format, naming the base and its resolved revision.
    """
    config = model.peft_config["default"]
    config.base_model_name_or_path = settings.model_name
    config.revision = resolved if is_hub_id(settings.model_name) else None
    config.target_modules = sorted(config.target_modules)  # a set would be written in any order
    # Left to decide for itself, peft asks the Hub whether embeddings were resized.
    model.save_pretrained(directory, save_embedding_layers=False)
    # peft's empty form; the version has a card of its own.
    (directory / "README.md").unlink(missing_ok=True)
