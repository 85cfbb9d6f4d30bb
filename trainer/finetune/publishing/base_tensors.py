"""
Where each matrix of a model lies in its base's files.

The names in the files are not always the model's own: transformers renames while it loads (an older
Gemma 3 has `language_model.model.layers...`, in the model it is `model.language_model.layers...`).
A published version keeps the base's names, so that whatever reads the base reads the version; the
exception is in `reader_compatibility`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from finetune.publishing.reader_compatibility import tensor_name_for_readers
from finetune.verdict import BadInput

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
FLOATING = {"F64", "F32", "F16", "BF16"}
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2}


@dataclass(frozen=True)
class StoredTensor:
    """
    A tensor of the base: its name there and in the version. `kind` is its type in the words of
    safetensors, such as BF16.
    """

    path: Path
    name: str
    published_name: str
    shape: tuple[int, ...]
    kind: str

    @property
    def published_kind(self) -> str:
        """Floating point becomes bfloat16, as the model was loaded for training."""
        return "BF16" if self.kind in FLOATING else self.kind

    @property
    def published_size(self) -> int:
        """Bytes in the version."""
        return torch.Size(self.shape).numel() * _BYTES.get(self.published_kind, 1)


def stored_tensors(base: Path) -> dict[str, StoredTensor]:
    """
    Every tensor of the base by its name in the files, in the order in which they lie there.

    Raises:
        BadInput: the base is quantized: an adapter cannot be added to its codes.
    """
    config = json.loads((base / "config.json").read_text("utf-8"))
    if config.get("quantization_config"):
        raise BadInput(
            "the base is quantized (quantization_config), and an adapter cannot be merged into "
            "that: choose the base that it was made from"
        )
    tensors: dict[str, StoredTensor] = {}
    for path in _weight_files(base):
        with safe_open(path, "pt") as file:
            for name in file.offset_keys():
                described = file.get_slice(name)
                tensors[name] = StoredTensor(
                    path,
                    name,
                    tensor_name_for_readers(name, config),
                    tuple(described.get_shape()),
                    described.get_dtype(),
                )
    return tensors


def linear_layers(base: Path, tensors: dict[str, StoredTensor]) -> dict[str, str]:
    """
    By the path of each linear layer in the loaded model, the name of its weight in the files.

    Without layers that share their weight with another one, and without those that transformers
    puts together from several tensors: an adapter cannot be merged into them.
    """
    config = AutoConfig.from_pretrained(base, trust_remote_code=False)
    with torch.device("meta"):  # shapes and names only: no memory, no initialisation
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    conversions = get_model_conversion_mapping(model)
    renamings = [one for one in conversions if isinstance(one, WeightRenaming)]
    converters = [one for one in conversions if isinstance(one, WeightConverter)]
    parameters = model.state_dict()
    names: dict[str, str] = {}
    for name in sorted(tensors):
        renamed, converted = rename_source_key(
            name, renamings, converters, model.base_model_prefix, parameters
        )
        if converted is None:
            names[renamed] = name
    tied = model.all_tied_weights_keys
    shared = {*tied.keys(), *tied.values()} if config.get_text_config().tie_word_embeddings else {}
    return {
        path: names[f"{path}.weight"]
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and f"{path}.weight" in names
        and f"{path}.weight" not in shared
    }


def _weight_files(base: Path) -> list[Path]:
    """The files that transformers would load: other formats may lie beside them."""
    if (base / _SINGLE).is_file():
        return [base / _SINGLE]
    if (base / _INDEX).is_file():
        placed = json.loads((base / _INDEX).read_text("utf-8"))["weight_map"]
        return [base / name for name in sorted(set(placed.values()))]
    raise BadInput(f"the base has neither {_SINGLE} nor {_INDEX}")
