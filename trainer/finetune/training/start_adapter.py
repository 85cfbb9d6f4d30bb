"""Training that goes on from a published adapter instead of from zero."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.source import source_files
from finetune.settings import Settings
from finetune.verdict import BadInput

if TYPE_CHECKING:
    from peft import PeftModel

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# What must be as in the settings: with another value the same weights would add something else.
SAME = {
    "r": "lora_r",
    "lora_alpha": "lora_alpha",
    "use_rslora": "use_rslora",
    "use_dora": "use_dora",
}
# What this trainer has no setting for, and an adapter from elsewhere may have.
UNKNOWN = ("rank_pattern", "alpha_pattern", "modules_to_save", "layers_to_transform")


def check_start_adapter(settings: Settings) -> None:
    """
    Compares START_ADAPTER's configuration with the settings, before the base is loaded.

    Raises:
        BadInput: it is no LoRA adapter, or one of other hyperparameters.
        Unreachable: nothing is there.
    """
    if settings.start_adapter:
        with tempfile.TemporaryDirectory(prefix="adapter-") as scratch:
            _require_fitting(_read(settings, (CONFIG,), Path(scratch)), settings)


def start_from(model: "PeftModel", settings: Settings) -> None:
    """
    Puts START_ADAPTER's weights into a model's adapters.

    Raises:
        BadInput: it does not fit them; the message says what differs.
        Unreachable: nothing is there.
    """
    from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    with tempfile.TemporaryDirectory(prefix="adapter-") as scratch:
        directory = _read(settings, (CONFIG, WEIGHTS), Path(scratch))
        _require_fitting(directory, settings)
        weights = load_file(directory / WEIGHTS)
    own = get_peft_model_state_dict(model, save_embedding_layers=False)
    shapes, wanted = (
        {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        for tensors in (weights, own)
    )
    if shapes != wanted:
        name = sorted(shapes.items() ^ wanted.items())[0][0]
        raise _differs(
            settings,
            f"{name} is {_shape(shapes.get(name))}, and with this base and LORA_TARGET_MODULES "
            f"{_shape(wanted.get(name))}",
        )
    set_peft_model_state_dict(model, weights)


def _read(settings: Settings, names: tuple[str, ...], scratch: Path) -> Path:
    location = settings.start_adapter
    directory = source_files(location, "START_ADAPTER", names, scratch, settings.project_id).path
    if missing := [name for name in names if not (directory / name).is_file()]:
        raise BadInput(f"START_ADAPTER={location} has no {' and no '.join(missing)}")
    return directory


def _require_fitting(directory: Path, settings: Settings) -> None:
    config = json.loads((directory / CONFIG).read_text("utf-8"))
    if config.get("peft_type") != "LORA":
        raise _differs(settings, f"it is {config.get('peft_type')}, and not LORA")
    for name, setting in SAME.items():
        received, wanted = config.get(name, False), getattr(settings, setting)
        if received != wanted:
            raise _differs(settings, f"its {name} is {received}, and {setting.upper()} {wanted}")
    if others := [name for name in UNKNOWN if config.get(name)]:
        raise _differs(settings, f"it has {' and '.join(others)}, which no setting here is for")


def _differs(settings: Settings, what: str) -> BadInput:
    return BadInput(
        f"START_ADAPTER={settings.start_adapter} does not fit: {what}. "
        "Choose the same settings as it was trained with, or another adapter"
    )


def _shape(shape: Any) -> str:
    return "not there" if shape is None else " x ".join(map(str, shape))
