"""What can be known of a base without its weights, on any machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.source import Source, Unreachable, is_hub_id, source_files, warn_of_branch
from finetune.settings import Settings
from finetune.storage.location import storage_at
from finetune.verdict import BadInput

SMALL_FILES = (".json", ".model", ".txt", ".jinja")
WEIGHTS = ".safetensors"

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class BaseFacts:
    """
    Tokenizer files and config.json in a local directory; the weights' names and shapes, empty where
    only their size is known (gs://); and how many parameters there are in all.
    """

    source: Source
    config: dict[str, Any]
    shapes: Shapes
    parameters: int

    @property
    def linear(self) -> Shapes:
        """Weights [out, in] of the language model's linear layers, the output layer aside."""
        return {
            name: shape
            for name, shape in self.shapes.items()
            if len(shape) == 2 and ".layers." in name and "vision" not in name
        }

    @property
    def linear_parameters(self) -> int:
        """Parameters in linear layers; of a base whose shapes are unknown, most of all."""
        known = sum(_size(shape) for shape in self.linear.values())
        return known or int(0.85 * self.parameters)

    def targets(self, wanted: list[str] | str) -> Shapes:
        """
        The linear layers that get an adapter.

        Raises:
            BadInput: a name is no linear layer of this base.
        """
        kinds = {name.removesuffix(".weight").rpartition(".")[2] for name in self.linear}
        if wanted == "all-linear" or not kinds:
            return self.linear
        if unknown := sorted(set(wanted) - kinds):
            raise BadInput(
                f"LORA_TARGET_MODULES: the base has no {' or '.join(unknown)}; "
                f'allowed: "all-linear", or of {", ".join(sorted(kinds))}'
            )
        chosen = tuple(f".{name}.weight" for name in wanted)
        return {name: shape for name, shape in self.linear.items() if name.endswith(chosen)}


def base_facts(settings: Settings, scratch: Path) -> BaseFacts:
    """
    Fetches the small files and looks at the weights from afar.

    Raises:
        BadInput: there is no config.json, or no safetensors weights.
        Unreachable: nothing is there, or not for this token.
    """
    name = settings.model_name
    if is_hub_id(name):
        source, shapes, parameters = _on_hub(settings)
    else:
        source = source_files(
            name, "MODEL_NAME", SMALL_FILES, scratch / "base-files", settings.project_id
        )
        shapes = _shapes_in(source.path)
        parameters = sum(map(_size, shapes.values())) or _parameters_at(settings)
    if not (source.path / "config.json").is_file():
        raise BadInput(f"MODEL_NAME={name} has no config.json: it is not a transformers model")
    if not parameters:
        raise BadInput(f"MODEL_NAME={name} has no *.safetensors weights: convert it")
    config = json.loads((source.path / "config.json").read_text("utf-8"))
    return BaseFacts(source, config, shapes, parameters)


def _shapes_in(directory: Path) -> Shapes:
    """By the headers of the files: eight bytes of length, then JSON."""
    shapes: Shapes = {}
    for path in sorted(directory.glob(f"*{WEIGHTS}")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        shapes |= {
            name: tuple(tensor["shape"]) for name, tensor in header.items() if name[0] != "_"
        }
    return shapes


def _parameters_at(settings: Settings) -> int:
    files = storage_at(settings.model_name, settings.project_id).files()
    # Two bytes each, as bf16 has: most published bases do.
    return sum(file.size for name, file in files.items() if name.endswith(WEIGHTS)) // 2


def _on_hub(settings: Settings) -> tuple[Source, Shapes, int]:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError, NotASafetensorsRepoError

    from finetune.training.base_model import not_fetched

    warn_of_branch("MODEL_REVISION", settings.model_revision)
    name = settings.model_name
    try:
        resolved = HfApi().model_info(name, revision=settings.model_revision).sha
        path = snapshot_download(
            name,
            revision=resolved,
            allow_patterns=[f"*{ending}" for ending in SMALL_FILES],
            ignore_patterns=["consolidated*", "*/*"],
        )
        metadata = HfApi().get_safetensors_metadata(name, revision=resolved)
    except NotASafetensorsRepoError:
        return Source(Path(path), resolved), {}, 0
    except (HTTPError, HFValidationError, OSError) as error:
        raise Unreachable(not_fetched(settings, error)) from error
    shapes = {
        tensor: tuple(info.shape)
        for file in metadata.files_metadata.values()
        for tensor, info in file.tensors.items()
    }
    return Source(Path(path), resolved), shapes, sum(map(_size, shapes.values()))


def _size(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
