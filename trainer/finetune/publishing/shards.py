"""
Weights as safetensors files of limited size, written tensor by tensor.

safetensors' own `save_file` takes a whole file's tensors at once; this writes the same format
(https://github.com/huggingface/safetensors#format) from one tensor in memory at a time, and takes
the checksum on the way, since a file is gone once it is uploaded.
"""

import base64
import json
import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import google_crc32c
import torch

from finetune.publishing.base_tensors import StoredTensor
from finetune.storage.storage import StoredFile

# Bytes. Several files are uploaded, and read by a server, at the same time; and scratch, which is
# memory on Cloud Run, holds one of them.
LARGEST_SHARD = 2_000_000_000
INDEX = "model.safetensors.index.json"
_PIECE = 1 << 24


def planned_shards(tensors: Iterable[StoredTensor]) -> dict[str, list[StoredTensor]]:
    """
    File names as transformers gives them, and what each holds, in order. A tensor that is larger
    than a shard is alone in one: safetensors cannot divide it.
    """
    shards: list[list[StoredTensor]] = []
    room = 0
    for tensor in tensors:
        if not shards or tensor.published_size > room:
            shards.append([])
            room = LARGEST_SHARD
        shards[-1].append(tensor)
        room -= tensor.published_size
    if len(shards) == 1:
        return {"model.safetensors": shards[0]}
    count = len(shards)
    return {
        f"model-{number:05d}-of-{count:05d}.safetensors": shard
        for number, shard in enumerate(shards, 1)
    }


def write_shard(
    path: Path, tensors: list[StoredTensor], read: Callable[[StoredTensor], torch.Tensor]
) -> StoredFile:
    """Writes one file, a tensor at a time as `read` gives it, and returns size and checksum."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for tensor in tensors:
        end = start + tensor.published_size
        header[tensor.published_name] = {
            "dtype": tensor.published_kind,
            "shape": tensor.shape,
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data then begins where any type may be mapped
    checksum = google_crc32c.Checksum()
    with path.open("wb") as file:

        def write(data: bytes) -> None:
            file.write(data)
            checksum.update(data)

        write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            content = read(tensor).contiguous().flatten().view(torch.uint8).numpy()
            if content.nbytes != tensor.published_size:
                raise ValueError(f"{tensor.name} has {content.nbytes} bytes after merging")
            for position in range(0, content.nbytes, _PIECE):
                write(content[position : position + _PIECE].tobytes())
        size = file.tell()
    return StoredFile(size, base64.b64encode(checksum.digest()).decode())


def write_index(path: Path, shards: dict[str, list[StoredTensor]]) -> None:
    """Says which file holds which tensor, as transformers and vLLM read it."""
    size = sum(tensor.published_size for shard in shards.values() for tensor in shard)
    placed = {one.published_name: name for name, shard in shards.items() for one in shard}
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(placed.items()))}
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(index, indent=2) + "\n", "utf-8")
    os.replace(partial, path)
