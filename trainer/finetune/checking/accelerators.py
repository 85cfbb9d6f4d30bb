"""What is assumed of the machines that training runs on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accelerator:
    """
    Name as CUDA gives it, memory in GiB, and the arithmetic that a training step reaches on it, in
    FLOP a second. `measured` is false where that is scaled from another card by data sheets.
    """

    name: str
    gibibytes: float
    training: float
    measured: bool


# 56,367 tokens/s of 8.54 GFLOP on an H100, a Gemma 2B in bf16 with compiled layers
# (docs/performance.md). An L4 has 9 % of that card's memory bandwidth and 12 % of its arithmetic,
# an RTX PRO 6000 half of both (https://www.nvidia.com/en-us/data-center/l4/,
# https://www.nvidia.com/en-us/products/workstations/professional-desktop-gpus/rtx-pro-6000/).
ACCELERATORS = {
    "nvidia-l4": Accelerator("NVIDIA L4", 22.5, 4.5e13, measured=False),
    "nvidia-rtx-pro-6000": Accelerator("NVIDIA RTX PRO 6000", 95.6, 2.4e14, measured=False),
    "nvidia-h100-80gb": Accelerator("NVIDIA H100 80GB HBM3", 79.6, 4.8e14, measured=True),
}
