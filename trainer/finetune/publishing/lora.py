"""An adapter's files, layer by layer, and its sum with the base's weights."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from peft.utils.other import get_pattern_key
from safetensors import safe_open

from finetune.verdict import BadInput

_PREFIX = "base_model.model."
_A, _B, _MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"
# Kinds of adapter whose sum with the base is another one than below, or depends on the input.
_OTHER_KINDS = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
)
# Elements that are merged at a time: 32 MB in float64, whatever the size of the matrix.
_BLOCK = 1 << 22
_LARGEST = torch.finfo(torch.bfloat16).max


@dataclass(frozen=True)
class LoraLayer:
    """
    What training learnt for one matrix: a [r, in], b [out, r], and with DoRA the length of each row
    [out].
    """

    a: torch.Tensor
    b: torch.Tensor
    scaling: float
    magnitude: torch.Tensor | None

    def merged(self, weight: torch.Tensor) -> torch.Tensor:
        """
        Base and adapter as one matrix [out, in] in bfloat16, on the CPU.

        The base counts as the bfloat16 that was trained on. Product and sum are in float64, blocks
        of rows at a time, and only the result is rounded: what the GPU may do with float32 (TF32)
        or the number of threads then changes no bit. DoRA (https://arxiv.org/abs/2402.09353, eq. 5)
        then gives each row its learnt length.

        Raises:
            ArithmeticError: the result is not finite.
        """
        a, b = self.a.double(), self.b.double() * self.scaling
        result = torch.empty(weight.shape, dtype=torch.bfloat16)
        rows = max(1, _BLOCK // weight.shape[1])
        for start in range(0, weight.shape[0], rows):
            part = slice(start, start + rows)
            block = weight[part].to("cpu", torch.bfloat16).double().addmm_(b[part], a)
            if self.magnitude is not None:
                lengths = torch.linalg.vector_norm(block, dim=1)
                block *= (self.magnitude[part].double() / lengths).unsqueeze(1)
            if not block.abs().amax() < _LARGEST:  # also where it is no number
                raise ArithmeticError("the merged weights are not finite: the adapter is broken")
            result[part] = block
        return result


class Adapter:
    """
    A directory as peft writes it: LoRA, rsLoRA or DoRA of linear layers.

    Raises:
        BadInput: it is of another kind, or holds a tensor that would be left out of the merge.
    """

    def __init__(self, directory: Path) -> None:
        self._config = json.loads((directory / "adapter_config.json").read_text("utf-8"))
        kind = self._config.get("peft_type")
        if others := [name for name in _OTHER_KINDS if self._config.get(name)]:
            kind = f"{kind} with {', '.join(others)}"
        if kind != "LORA":
            raise BadInput(f"an adapter of the kind {kind} cannot be merged; LORA can")
        self._file = safe_open(directory / "adapter_model.safetensors", "pt")
        names = list(self._file.keys())
        self.paths = sorted(
            name.removeprefix(_PREFIX).removesuffix(_A) for name in names if name.endswith(_A)
        )
        known = {_PREFIX + path + part for path in self.paths for part in (_A, _B, _MAGNITUDE)}
        if unknown := sorted(set(names) - known):
            raise BadInput(f"the adapter's {unknown[0]} would be left out of the merged model")
        if not self.paths:
            raise BadInput("the adapter is empty")

    def layer(self, path: str) -> LoraLayer:
        """What was learnt for the linear layer at this path of the model, in float32."""
        a, b = (self._tensor(path + part) for part in (_A, _B))
        alphas = self._config.get("alpha_pattern") or {}
        alpha = alphas.get(get_pattern_key(alphas, path), self._config["lora_alpha"])
        rank = a.shape[0]
        scaling = alpha / (math.sqrt(rank) if self._config.get("use_rslora") else rank)
        dora = self._config.get("use_dora")
        return LoraLayer(a, b, scaling, self._tensor(path + _MAGNITUDE) if dora else None)

    def _tensor(self, name: str) -> torch.Tensor:
        return self._file.get_tensor(_PREFIX + name).float()
