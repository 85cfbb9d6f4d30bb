"""What is measured: the tutorial's recipe, trl's packing, and this trainer."""

from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
import transformers

from bench.measured import Measured
from bench.this_trainer import this_trainer
from finetune.data.encoding import Encoded

Recipe = tuple[str, partial[Measured]]


def alone(measure: partial[Measured], name: str, memory_gb: float) -> Measured:
    """Runs one in a process of its own, with so much of the GPU's memory; trl's have all of it."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if torch.cuda.is_available() and measure.func is this_trainer:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))
    return measure(name)


def recipes(
    base: Path, job: list[Encoded], many: list[int], steps: int, on_gpu: bool
) -> list[Recipe]:
    """
    Each with its name and what measures it, by `alone`. `many` are the documents of large
    steps, `steps` of which are a measurement of compiled layers.
    """
    plain = "bf16" if on_gpu else "fp32"
    trl = partial(with_trl, base=base, documents=job)
    tokens = sum(len(document.input_ids) for document in job)
    ours = partial(this_trainer, base=base, job_tokens=tokens)
    tutorial = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    measured: list[Recipe] = [
        (
            "tutorial: trl, one row, accumulation 2",
            partial(
                trl, precision="nf4" if on_gpu else plain, steps=16, max_length=512, **tutorial
            ),
        ),
        (
            "trl packing, 4 x 1024",
            partial(
                trl,
                precision=plain,
                steps=14,
                max_length=1024,
                packing=True,
                per_device_train_batch_size=4,
            ),
        ),
    ]
    precisions = ("bf16", "nf4") if on_gpu else (plain,)
    for per_step, precision in product((2,), precisions):
        measured.append(
            (
                f"this, {precision}, {per_step} documents a step",
                partial(ours, documents=job, precision=precision, documents_per_step=per_step),
            )
        )
    # A long job compiles its layers: as many steps as show its speed.
    for per_step, precision in product(many, ("bf16", "fp8", "nf4") if on_gpu else (plain,)):
        long = (job * (1 + per_step * steps // len(job)))[: per_step * steps]
        measured.append(
            (
                f"this, {precision}, {per_step}" + (", compiled" if on_gpu else ""),
                partial(
                    ours,
                    documents=long,
                    precision=precision,
                    documents_per_step=per_step,
                    compiled=on_gpu or None,
                ),
            )
        )
    return measured


def with_trl(name: str, **recipe: Any) -> Measured:
    """trl is no part of the trainer: it is imported where its recipes are measured."""
    from bench.trl_trainer import trl_trainer

    return trl_trainer(name, **recipe)
