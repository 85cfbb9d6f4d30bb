"""In what precision the frozen base is held while adapters train on it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from finetune.settings import Settings
from finetune.verdict import BadInput

if TYPE_CHECKING:
    import torch

Precision = Literal["nf4", "bf16", "fp8", "fp32"]

# Ada (L4) and later multiply float8: https://developer.nvidia.com/cuda-gpus
FLOAT8_CAPABILITY = (8, 9)
# Of a card's memory: for CUDA itself, fragments, and a driver that reports more than it gives.
USABLE = 0.9


def choose_precision(settings: Settings, base: Path, device: "torch.device") -> Precision:
    """
    What BASE_PRECISION comes to on this device: auto is bf16 where base and one row of
    MAX_SEQ_LENGTH fit the card, else nf4. Without a GPU it is bf16, or fp32 where the CPU cannot
    multiply bf16; nf4 falls back to that with a line.

    Raises:
        BadInput: fp8 where there is no GPU that multiplies it.
    """
    import torch

    from finetune.training.base_model import computing_type

    asked = settings.base_precision
    if asked == "fp8":
        _require_float8(device)
        print("BASE_PRECISION=fp8: slightly worse than bf16 where measured, and faster", flush=True)
        return "fp8"
    if device.type != "cuda":
        if asked == "nf4":
            print(
                "BASE_PRECISION=nf4 is ignored: there is no GPU, the base stays in bfloat16",
                flush=True,
            )
        return "bf16" if computing_type(device) == torch.bfloat16 else "fp32"
    if asked != "auto":
        return asked
    _, total = torch.cuda.mem_get_info(device)
    return "bf16" if bytes_needed(settings, base) <= USABLE * total else "nf4"


def bytes_needed(settings: Settings, base: Path) -> int:
    """
    GPU memory for training on a bf16 base, as an estimate that errs upwards: weights, adapters with
    gradient and optimizer, and one row's activations with every layer's input kept and the rest
    computed twice.
    """
    # Files may hold float32; in memory a parameter has 2 bytes.
    parameters = sum(_parameters(path) for path in base.glob("*.safetensors"))
    config = json.loads((base / "config.json").read_text("utf-8"))
    text = config.get("text_config", config)
    width, layers = text["hidden_size"], text["num_hidden_layers"]
    inner = text.get("intermediate_size", 4 * width)
    # All seven linear layers of a decoder layer at most; float32 weight, gradient and two moments.
    adapters = 16 * settings.lora_r * layers * (9 * width + 3 * inner)
    row = settings.max_seq_length * (2 * layers * width + 34 * width + 6 * inner)
    return 2 * parameters + adapters + row + 2**30  # logits of a chunk and workspaces


def _parameters(path: Path) -> int:
    """Counted from a safetensors header, without reading the weights."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(
        _product(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
    )


def _product(shape: list[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _require_float8(device: "torch.device") -> None:
    import torch

    capable = device.type == "cuda" and torch.cuda.get_device_capability(device)
    if not capable or capable < FLOAT8_CAPABILITY:
        found = f"{torch.cuda.get_device_name(device)}" if capable else "no GPU"
        raise BadInput(
            f"BASE_PRECISION=fp8 needs a GPU of the Ada generation or later, such as nvidia-l4; "
            f"found {found}. Allowed here: auto, bf16 or nf4"
        )
