"""An adapter for a tiny base, as a training would leave it."""

from pathlib import Path
from typing import Any


def write_adapter(base: Path, directory: Path, **changes: Any) -> Path:
    """An adapter of random numbers, those that start at zero or at the base's lengths too."""
    import torch
    from peft import LoraConfig, get_peft_model

    from finetune.training.base_model import load_model

    torch.manual_seed(1)
    targets = r"(?!.*vision_tower).*layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj"
    config = LoraConfig(**{"r": 4, "target_modules": targets, "task_type": "CAUSAL_LM", **changes})
    model = get_peft_model(load_model(base, torch.device("cpu")), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
        if "magnitude" in name:
            weight.data *= 1 + 0.2 * torch.randn_like(weight)
    model.save_pretrained(directory, save_embedding_layers=False)
    (directory / "README.md").unlink()
    return directory


def write_version(base: Path, adapter: Path, directory: Path) -> Path:
    """All files of the merged model, its shards kept."""
    from finetune.publishing.merging import publish_merged
    from finetune.publishing.version_files import write_version_files

    kept = directory / "kept"
    kept.mkdir(parents=True)
    write_version_files(directory, base, adapter, [1])
    publish_merged(base, adapter, directory, lambda path: path.rename(kept / path.name))
    for path in kept.iterdir():
        path.rename(directory / path.name)
    kept.rmdir()
    return directory
