"""LoRA training with trl."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from finetune.data.encoding import Encoded
from finetune.data.source import is_hub_id
from finetune.settings import Settings
from finetune.training.progress import Progress
from finetune.verdict import BadInput


@dataclass(frozen=True)
class Training:
    """
    What training came to: mean loss over all steps, tokens a second, seconds and optimizer steps.
    """

    loss: float
    tokens_per_second: float
    seconds: float
    steps: int


def fine_tune(
    model: PreTrainedModel,
    tokenizer: Any,
    rows: list[Encoded],
    settings: Settings,
    resolved: str,
    scratch: Path,
) -> Training:
    """
    Trains and writes the adapter to `scratch/adapter`, naming the base and its resolved revision in
    it.

    Raises:
        BadInput: LORA_TARGET_MODULES names nothing in this model, or the loss is no number any
            more.
    """
    trainer = build_trainer(model, tokenizer, rows, settings, scratch)
    progress = Progress()
    trainer.add_callback(progress)
    outcome = trainer.train()
    config = trainer.model.peft_config["default"]
    config.base_model_name_or_path = settings.model_name
    config.revision = resolved if is_hub_id(settings.model_name) else None
    config.target_modules = sorted(config.target_modules)  # a set would be written in any order
    # Left to decide for itself, peft asks the Hub whether embeddings were resized.
    trainer.model.save_pretrained(scratch / "adapter", save_embedding_layers=False)
    (scratch / "adapter" / "README.md").unlink(
        missing_ok=True
    )  # peft's empty form; the version has its own card
    speed = progress.tokens / progress.seconds if progress.seconds else 0.0
    return Training(
        outcome.training_loss,
        round(speed, 1),
        round(progress.seconds, 1),
        trainer.state.global_step,
    )


def build_trainer(
    model: PreTrainedModel, tokenizer: Any, rows: list[Encoded], settings: Settings, scratch: Path
) -> SFTTrainer:
    """trl's trainer over rows that are already tokens and labels, which it takes as they are."""
    on_gpu = model.device.type == "cuda"
    arguments = SFTConfig(
        output_dir=str(scratch / "training"),
        num_train_epochs=settings.num_train_epochs,
        max_steps=settings.max_steps,
        per_device_train_batch_size=settings.train_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_scheduler_type,
        warmup_steps=settings.warmup_ratio,  # below 1 it is a share of all steps (transformers 5)
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        max_length=settings.max_seq_length,
        packing=True,
        seed=settings.seed,
        bf16=model.dtype == torch.bfloat16,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        gradient_checkpointing=on_gpu and not _activations_fit(model, settings),
        logging_steps=settings.logging_steps,
        logging_nan_inf_filter=False,  # the default prints the last good loss in place of a NaN
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    dataset = Dataset.from_dict(
        {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
    )
    adapter = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.lora_target_modules,
        task_type="CAUSAL_LM",
    )
    try:
        trainer = SFTTrainer(
            model, arguments, train_dataset=dataset, processing_class=tokenizer, peft_config=adapter
        )
    except ValueError as error:
        if "arget modules" in str(error):
            raise BadInput(f"LORA_TARGET_MODULES: {str(error).splitlines()[0]}") from error
        raise
    # trl casts the adapter of a 4-bit model to bf16, whose 8 bits of precision swallow small
    # updates.
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    trainer.remove_callback(PrinterCallback)
    return trainer


def _activations_fit(model: PreTrainedModel, settings: Settings) -> bool:
    """
    Whether one batch's activations fit into the GPU's free memory, so that none have to be computed
    twice.

    Bytes per token and layer: about 34 per hidden and 6 per feed-forward element, measured with
    LoRA on a Gemma 2B in bf16 (139 kB; this gives 168 kB).
    """
    config = model.config.get_text_config()
    tokens = settings.train_batch_size * settings.max_seq_length
    needed = (
        tokens * config.num_hidden_layers * (34 * config.hidden_size + 6 * config.intermediate_size)
    )
    free, _ = torch.cuda.mem_get_info()
    return needed < 0.8 * free
