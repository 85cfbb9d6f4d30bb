"""trl's trainer on the same documents: as the tutorial calls it, and with its packing."""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from bench.measured import Measured, warm
from finetune.data.encoding import Encoded
from finetune.training.base_model import load_model


class Marks(TrainerCallback):
    """Notes time, tokens and loss of each step."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, int]] = []
        self.loss = float("nan")

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.marks.append((time.monotonic(), 0))

    def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" in logs:
            self.marks.append((time.monotonic(), int(logs["num_tokens"])))
            self.loss = logs["loss"]


def trl_trainer(
    name: str, base: Path, documents: list[Encoded], precision: Any, steps: int, **changes: Any
) -> Measured:
    """
    `steps` optimizer steps with the tutorial's hyperparameters; `changes` go to trl's SFTConfig.
    The tutorial's fp16 no longer runs in trl 1.16, which keeps adapters in bf16.
    """
    disable_progress_bars()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    began = time.monotonic()
    model = load_model(base, device, precision)
    marks = Marks()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = SFTTrainer(
            model,
            _arguments(scratch, device, steps, changes),
            train_dataset=Dataset.from_dict(
                {
                    "input_ids": [document.input_ids for document in documents],
                    "labels": [document.labels for document in documents],
                }
            ),
            processing_class=_tokenizer(),
            peft_config=LoraConfig(
                r=8,
                lora_alpha=16,
                lora_dropout=0.1,
                target_modules=["q_proj", "v_proj"],
                task_type="CAUSAL_LM",
            ),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(marks)
        trainer.train()
    seconds = time.monotonic() - began
    memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    speed = warm(marks.marks, 4)
    tokens = sum(len(document.input_ids) for document in documents)
    left = max(tokens - marks.marks[-1][1], 0)
    return Measured(name, speed, seconds + left / speed, tokens, memory, marks.loss)


def _arguments(scratch: str, device: Any, steps: int, changes: dict[str, Any]) -> SFTConfig:
    on_gpu = device.type == "cuda"
    return SFTConfig(
        output_dir=scratch,
        max_steps=steps,
        learning_rate=2e-4,
        lr_scheduler_type="cosine",
        warmup_steps=0.03,
        weight_decay=0.001,
        max_grad_norm=0.3,
        seed=42,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **changes,
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    """For padding alone: the documents are tokens already."""
    words = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")
