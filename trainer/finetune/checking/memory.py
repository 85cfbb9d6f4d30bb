"""GPU memory that training needs at least, by the precision of the frozen base."""

from finetune.checking.base_facts import BaseFacts
from finetune.settings import Settings

PRECISIONS = ("bf16", "nf4", "fp8")
# Bytes of a parameter in a linear layer: nf4 has 4 bits and, with double quantisation, 0.127 for
# its scales (https://arxiv.org/abs/2305.14314); float8 is held twice (training/float8.py).
LINEAR_BYTES = {"bf16": 2.0, "nf4": 0.516, "fp8": 2.01}
# CUDA itself, the logits of a chunk, and workspaces.
ALWAYS = 2**30
# As training/precision.py: of a card's memory, what can be counted on.
USABLE = 0.9


def memory(facts: BaseFacts, settings: Settings, precision: str) -> int:
    """
    Bytes for weights, adapters and one row of MAX_SEQ_LENGTH whose activations are computed twice.
    Whatever a card has beyond that makes micro-batches larger, which is faster and changes no
    result.
    """
    linear = facts.linear_parameters
    weights = 2 * (facts.parameters - linear) + LINEAR_BYTES[precision] * linear
    return int(weights + adapters(facts, settings) + _row(facts, settings) + ALWAYS)


def adapters(facts: BaseFacts, settings: Settings) -> int:
    """Bytes of the adapters: float32 weight, gradient and the optimizer's two moments."""
    return 16 * adapter_parameters(facts, settings)


def adapter_parameters(facts: BaseFacts, settings: Settings) -> int:
    """Parameters that are trained; DoRA has a magnitude for each output besides."""
    targets = facts.targets(settings.lora_target_modules).values()
    return sum(
        settings.lora_r * (rows + columns) + rows * settings.use_dora for rows, columns in targets
    )


def precision_on(facts: BaseFacts, settings: Settings, gibibytes: float) -> str:
    """What BASE_PRECISION comes to on a card: auto is bf16 where that fits, else nf4."""
    if settings.base_precision != "auto":
        return settings.base_precision
    return "bf16" if memory(facts, settings, "bf16") <= USABLE * gibibytes * 2**30 else "nf4"


def _row(facts: BaseFacts, settings: Settings) -> int:
    text = facts.config.get("text_config", facts.config)
    width, layers = text.get("hidden_size", 2048), text.get("num_hidden_layers", 24)
    inner = text.get("intermediate_size", 4 * width)
    return settings.max_seq_length * (2 * layers * width + 34 * width + 6 * inner)
