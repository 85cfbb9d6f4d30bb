"""
Documents of one optimizer step in rows: how the GPU sees them, never what they come to.

Rows stay a `[rows, width]` batch whose position ids restart at each document. transformers then
builds a block-diagonal mask per row; flattened to one sequence, as padding-free collators do, the
dense mask grows with the square of all tokens in the batch.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from finetune.data.encoding import IGNORED, Encoded

if TYPE_CHECKING:
    import torch

# Matrix kernels are fastest where every dimension is a multiple of 8.
ALIGNED = 8
# Distances between the lengths of joined rows, by their length.
SMALLEST_STRIDE, LARGEST_STRIDE = 64, 256


@dataclass(frozen=True)
class Batch:
    """
    One micro-batch. The three tensors are `[rows, width]` int64; `labels` are not shifted (the
    label of a position is its own token, -100 where nothing is graded). `tokens` counts the
    documents' tokens, without padding, `graded` those that the loss is over, and `sequences` at
    least the documents with each row's padding as one more (0 where nobody counted). No sequence
    has more than `longest` tokens (0: than a row).
    """

    input_ids: "torch.Tensor"
    position_ids: "torch.Tensor"
    labels: "torch.Tensor"
    tokens: int
    graded: int
    sequences: int = 0
    longest: int = 0

    def to(self, device: "torch.device") -> "Batch":
        """The same on a device; the copy to a GPU does not wait for the work queued there."""
        moved = []
        for tensor in (self.input_ids, self.position_ids, self.labels):
            tensor = tensor.pin_memory() if device.type == "cuda" else tensor
            moved.append(tensor.to(device, non_blocking=True))
        ids, positions, labels = moved
        return replace(self, input_ids=ids, position_ids=positions, labels=labels)


@lru_cache(maxsize=2)  # every step of an epoch asks
def order(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    """
    The permutation of `count` documents in an epoch (the first is 0): a function of its arguments
    and nothing else, so that a resumed run sees what an uninterrupted one would.
    """
    numbers = list(range(count))
    random.Random(f"{seed} {epoch}").shuffle(numbers)  # a text is seeded by its SHA-512
    return tuple(numbers)


def pack(documents: list[Encoded], length: int) -> list[list[Encoded]]:
    """
    Rows of at most `length` tokens by best-fit decreasing: the longest document first, each into
    the fullest row that still has room. Ties keep the documents' order.

    Raises:
        ValueError: a document is longer than a row.
    """
    rows: list[list[Encoded]] = []
    by_room: dict[int, list[int]] = defaultdict(list)
    rooms = 0  # bit n is set while some row has room for n tokens: the best fit is one shift away
    for document in sorted(documents, key=lambda document: -len(document.input_ids)):
        needed = len(document.input_ids)
        if needed > length:
            raise ValueError(f"a document of {needed} tokens does not fit a row of {length}")
        if fitting := rooms >> needed:
            room = needed + (fitting & -fitting).bit_length() - 1
            number = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
            rows[number].append(document)
        else:
            room, number = length, len(rows)
            rows.append([document])
        by_room[room - needed].append(number)
        rooms |= 1 << (room - needed)
    return rows


def batches(
    documents: list[Encoded], length: int, rows: int, padding: int, fixed: bool
) -> Iterator[Batch]:
    """
    The micro-batches of one step, on the CPU.

    With `fixed` (on a GPU, where a new shape means compiling again) every one is
    `[rows, length]`, the last filled with rows of padding. Otherwise they are cut to the rows there
    are and to the step's longest row, rounded up to a multiple of 8.
    """
    packed = pack(documents, length)
    width = length
    if not fixed:
        longest = max((sum(len(item.input_ids) for item in row) for row in packed), default=0)
        width = -(-longest // ALIGNED) * ALIGNED
    for start in range(0, len(packed), rows):
        part = packed[start : start + rows]
        yield _batch(part, rows if fixed else len(part), width, padding)


def joined_batches(
    documents: list[Encoded], most: int, longest: int, padding: int
) -> Iterator[Batch]:
    """
    The micro-batches of one step where attention goes by the documents' bounds: all documents in
    one row, which costs no more than short rows there and is padded once. A step of more than
    `most` positions is parted into rows of about the same length. No document has more than
    `longest` tokens.
    """
    tokens = [len(document.input_ids) for document in documents]
    parts = max(1, -(-sum(tokens) // most))
    # Even parts, with room for a document that would start a row of its own.
    even = -(-sum(tokens) // parts) + max(tokens, default=0) // 2
    for row in pack(documents, most if parts == 1 else min(most, max(even, *tokens))):
        filled = sum(len(document.input_ids) for document in row)
        batch = _batch([row], 1, stepped(filled), padding)
        yield replace(batch, longest=max(longest, LARGEST_STRIDE))


def stepped(positions: int) -> int:
    """
    Rounded up so that few lengths occur: each has a CUDA graph of its own, where there are any. Two
    to six percent of a step are padding.
    """
    stride = SMALLEST_STRIDE
    while stride < LARGEST_STRIDE and stride * 32 <= positions:
        stride *= 2
    return -(-positions // stride) * stride


def _batch(packed: list[list[Encoded]], rows: int, width: int, padding: int) -> Batch:
    """
    Each position of padding is a document of its own (position id 0), and so is each row's last
    position: it predicts nothing, so that no result changes, and transformers finds more than one
    document in every batch. Of a batch with one document a row it would drop the mask, and compiled
    layers would be compiled again.
    """
    import torch

    input_ids, position_ids, labels = [], [], []
    for row in packed + [[]] * (rows - len(packed)):
        ids = [token for document in row for token in document.input_ids]
        positions = [place for document in row for place in range(len(document.input_ids))]
        # A document's first token follows nothing: graded, it would be guessed from the document
        # before it.
        graded = [label for document in row for label in (IGNORED, *document.labels[1:])]
        free = width - len(ids)
        input_ids.append(ids + [padding] * free)
        position_ids.append([*positions, *[0] * free][: width - 1] + [0])
        labels.append(graded + [IGNORED] * free)
    graded_tokens = sum(label != IGNORED for row in labels for label in row)
    return Batch(
        torch.tensor(input_ids),
        torch.tensor(position_ids),
        torch.tensor(labels),
        sum(len(document.input_ids) for row in packed for document in row),
        graded_tokens,
        sum(len(row) for row in packed) + rows,
    )


def graded(documents: list[Encoded]) -> int:
    """How many tokens the loss of these documents is over."""
    return sum(label != IGNORED for document in documents for label in document.labels[1:])
