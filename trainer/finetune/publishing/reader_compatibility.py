"""
Settings files that transformers 4 and 5 read alike.

A checkpoint in the words of transformers 5 is misread by 4 without a message: it takes its own
defaults for the positions (`rope_parameters` is new), does not know the tokenizer's class, and
makes up the weights of a vision tower that is called otherwise. So the old words are written,
beside the new ones where both are needed; 5 reads either. Compared with 4.57.6 in
tests/test_reader_compatibility.py.
"""

import copy
import re
from typing import Any

Json = dict[str, Any]


def config_for_readers(config: Json) -> Json:
    """config.json for both, of a model whose weights are bfloat16."""
    config = copy.deepcopy(config)
    config.pop("_name_or_path", None)  # a path of the machine that trained
    for part in (config, config.get("text_config"), config.get("vision_config")):
        if isinstance(part, dict):
            part["dtype"] = part["torch_dtype"] = "bfloat16"
            part |= _rope_for_4(part)
    return config


def _rope_for_4(config: Json) -> Json:
    """`rope_parameters` in the words of transformers 4; nothing where there is none."""
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict):
        return {}
    if "full_attention" not in rope:
        return _one_rope_for_4(rope)
    words = _one_rope_for_4(rope["full_attention"])
    if sliding := rope.get("sliding_attention"):
        words["rope_local_base_freq"] = sliding["rope_theta"]  # Gemma 3
    return words


def _one_rope_for_4(rope: Json) -> Json:
    words = {name: rope[name] for name in ("rope_theta", "partial_rotary_factor") if name in rope}
    scaling = {name: value for name, value in rope.items() if name not in words}
    if scaling.get("rope_type", "default") != "default":
        words["rope_scaling"] = scaling
    return words


def tokenizer_config_for_readers(config: Json) -> Json:
    """tokenizer_config.json for both."""
    config = copy.deepcopy(config)
    for name in ("name_or_path", "is_local", "local_files_only"):  # of the machine that trained
        config.pop(name, None)
    if config.get("tokenizer_class") == "TokenizersBackend":
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(config.get("extra_special_tokens"), list):
        # A dictionary in 4, for which it looks up its keys.
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    if named := config.get("model_specific_special_tokens"):  # Gemma 3's image tokens
        config["extra_special_tokens"] = named
    return config


def tensor_name_for_readers(name: str, config: Json) -> str:
    """A weight's name for both: 5 leaves `vision_model` out of SigLIP's (Gemma 3 with pictures)."""
    vision = config.get("vision_config") or {}
    if vision.get("model_type") != "siglip_vision_model":
        return name
    return re.sub(r"^((?:model\.)?vision_tower\.)(?!vision_model\.)", r"\1vision_model.", name)
