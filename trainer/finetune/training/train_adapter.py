"""From a base's files and documents to an adapter in memory: what every process of a run does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer

from finetune.data.encoding import Encoded
from finetune.publishing.merging import require_mergeable
from finetune.settings import Settings
from finetune.training import processes
from finetune.training.adapter import attach
from finetune.training.base_model import load_model, load_tokenizer
from finetune.training.checkpoints import Checkpoints
from finetune.training.deadline import Deadline
from finetune.training.float8 import quantize
from finetune.training.loop import Trained, train
from finetune.training.precision import Precision, choose_precision
from finetune.training.progress import Observer


@dataclass(frozen=True)
class Plan:
    """What to train and how; process 0 makes it, and hands it to all others."""

    base: Path
    precision: Precision
    documents: list[Encoded]
    validation: list[Encoded]


def precision_here(settings: Settings, base: Path) -> Precision:
    """What BASE_PRECISION comes to on this machine. Raises BadInput where it cannot be had."""
    return choose_precision(settings, base, processes.device())


def load(plan: Plan, settings: Settings) -> PeftModel:
    """
    The base in the plan's precision, with new adapters.

    Raises:
        BadInput: LORA_TARGET_MODULES or START_ADAPTER does not fit the base.
    """
    model = load_model(plan.base, processes.device(), plan.precision)
    adapted = attach(model, settings)
    if plan.precision == "fp8":
        quantize(adapted)  # peft knows how to wrap nn.Linear, and nothing of Float8Linear
    names = {module: name for name, module in adapted.get_base_model().named_modules()}
    layers = [names[module] for module in adapted.modules() if isinstance(module, LoraLayer)]
    require_mergeable(plan.base, layers)
    return adapted


def train_adapter(
    model: PeftModel,
    plan: Plan,
    settings: Settings,
    checkpoints: Checkpoints,
    observer: Observer,
    deadline: Deadline,
) -> Trained:
    """Trains it. Raises what `loop.train` raises."""
    tokenizer: Any = load_tokenizer(plan.base)
    return train(
        model,
        tokenizer,
        plan.documents,
        plan.validation,
        settings,
        checkpoints,
        observer,
        deadline,
    )


def device_name() -> str:
    """The GPU's name, or cpu."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
