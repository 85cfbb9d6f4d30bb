"""The model that is measured: random weights in a known shape, and what a token costs in it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GemmaConfig

from finetune.data.encoding import Encoded


@dataclass(frozen=True)
class Shape:
    """Dimensions of a Gemma with one key-value head and tied embeddings."""

    layers: int
    hidden: int
    inner: int
    heads: int
    head: int
    vocabulary: int


GEMMA_2B = Shape(18, 2048, 16384, 8, 256, 256000)
SMALL = Shape(2, 64, 128, 2, 32, 1024)


def write_base(shape: Shape, directory: Path, device: torch.device) -> Path:
    """Saves the random model in bf16, as a base is loaded from disk."""
    config = GemmaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=1,
        head_dim=shape.head,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    with device:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(directory)
    del model
    torch.cuda.empty_cache()  # the recipes' processes need it
    return directory


def flops(shape: Shape, documents: list[Encoded]) -> float:
    """
    Floating-point operations of training on the documents, each once: products with the frozen
    weights forwards and for the inputs' gradient, scores of each document with itself, and logits
    of graded tokens. What a recipe computes twice or for padding does not count.
    """
    attention = shape.hidden * shape.head * (2 * shape.heads + 2)
    linear = 2 * shape.layers * (attention + 3 * shape.hidden * shape.inner)
    total = 0.0
    for document in documents:
        length = len(document.input_ids)
        graded = sum(label >= 0 for label in document.labels)
        # Half of the scores (causal); two products forwards, four backwards.
        scores = shape.layers * shape.heads * shape.head * length**2 * 6
        total += 2 * length * linear + scores + graded * 4 * shape.hidden * shape.vocabulary
    return total


def peak_flops(device: torch.device) -> float | None:
    """Operations a second of a large bf16 product on random numbers; None without a GPU."""
    if device.type != "cuda":
        return None
    size, count = 8192, 20
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        left @ right
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(count):
        left @ right
    end.record()
    torch.cuda.synchronize()
    return count * 2 * size**3 / (start.elapsed_time(end) / 1000)
