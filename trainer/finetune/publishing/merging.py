"""
Adapter and base become one ordinary model, which a server loads without knowing of LoRA.

Tensor by tensor: read from the base's files, add what was learnt, write. The model is never in
memory as a whole.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import PreTrainedModel

from finetune.publishing.base_tensors import StoredTensor, linear_layers, stored_tensors
from finetune.publishing.lora import Adapter, LoraLayer
from finetune.publishing.shards import INDEX, planned_shards, write_index, write_shard
from finetune.storage.storage import StoredFile
from finetune.verdict import BadInput


def merged_tensors(base: Path, adapter: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """
    Every tensor of the merged model by its name in the version, floating point as bfloat16.

    Raises:
        BadInput: a layer of the adapter has no weight in the base, so that it would be lost.
        ArithmeticError: the adapter is not finite.
    """
    merging = _Merging(base, adapter)
    for tensor in merging.tensors.values():
        yield tensor.published_name, merging.read(tensor)


def publish_merged(
    base: Path, adapter: Path, directory: Path, on_shard: Callable[[Path], None]
) -> dict[str, StoredFile]:
    """
    Writes the merged weights into a directory, one file of at most 2 GB at a time; `on_shard`
    takes each (it uploads it), then it is deleted. The index, where there is one, comes last and
    stays. The same inputs give the same bytes.

    Returns each file's size and checksum by name. Raises what `merged_tensors` raises.
    """
    merging = _Merging(base, adapter)
    shards = planned_shards(merging.tensors.values())
    written = {}
    for name, tensors in shards.items():
        path = directory / name
        try:
            written[name] = write_shard(path, tensors, merging.read)
            on_shard(path)
        finally:
            path.unlink(missing_ok=True)
    if len(shards) > 1:
        write_index(directory / INDEX, shards)
    return written


def merge_into(model: PreTrainedModel, adapter: Path) -> None:
    """
    Adds the adapter to a loaded, unquantized model in place: the very values that
    `publish_merged` writes, for scoring them where the model already is.

    The model is in bfloat16, or in float32 with bfloat16's values; it stays so.

    Raises:
        BadInput: a layer of the adapter has no counterpart in the model.
        ArithmeticError: the adapter is not finite.
    """
    learnt = Adapter(adapter)
    modules = dict(model.named_modules())
    for path in learnt.paths:
        weight = getattr(modules.get(path), "weight", None)
        if weight is None or not weight.is_floating_point():
            raise BadInput(f"the adapter's {path} has no unquantized weight in this model")
        layer = _fitting(learnt.layer(path), path, tuple(weight.shape))
        with torch.no_grad():
            weight.copy_(layer.merged(weight))


def require_mergeable(base: Path, paths: list[str]) -> None:
    """
    Checks before training that what is to be learnt for these layers can be merged afterwards.

    Raises:
        BadInput: naming the first that cannot.
    """
    known = linear_layers(base, stored_tensors(base))
    for path in paths:
        if path not in known:
            raise BadInput(
                f"LORA_TARGET_MODULES: what is learnt for {path} could not be merged: it is no "
                "linear layer with a weight of its own in the base's files"
            )


class _Merging:
    """A base's tensors, and the layers of the adapter by the tensor that each one changes."""

    def __init__(self, base: Path, adapter: Path) -> None:
        self.tensors = stored_tensors(base)
        self._adapter = Adapter(adapter)
        known = linear_layers(base, self.tensors)
        self._paths: dict[str, str] = {}
        for path in self._adapter.paths:
            if path not in known:
                raise BadInput(
                    f"the adapter's {path} has no weight in the base's files: merged without it, "
                    "the model would be another one than was trained"
                )
            self._paths[known[path]] = path
        self._open: tuple[Path, safe_open] | None = None

    def read(self, tensor: StoredTensor) -> torch.Tensor:
        """The tensor as it is published."""
        weight = self._file(tensor.path).get_tensor(tensor.name)
        path = self._paths.get(tensor.name)
        if path is not None:
            return _fitting(self._adapter.layer(path), path, tensor.shape).merged(weight)
        return weight.to(torch.bfloat16) if weight.is_floating_point() else weight

    def _file(self, path: Path) -> safe_open:
        if self._open is None or self._open[0] != path:
            self._open = (path, safe_open(path, "pt"))
        return self._open[1]


def _fitting(layer: LoraLayer, path: str, shape: tuple[int, ...]) -> LoraLayer:
    if (layer.b.shape[0], layer.a.shape[1]) != shape:
        raise BadInput(
            f"the adapter's {path} is for a matrix of {layer.b.shape[0]} x {layer.a.shape[1]}, "
            f"the base's is {' x '.join(map(str, shape))}: it belongs to another base"
        )
    return layer
