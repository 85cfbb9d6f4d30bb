"""The shape of micro-batches: as few padded tokens as the documents allow. It changes no result."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from transformers import PreTrainedModel

from finetune.data.encoding import Encoded
from finetune.hyperparameters import Hyperparameters
from finetune.training import processes
from finetune.training.micro_batch import most_tokens
from finetune.training.packed_attention import attends_by_bounds
from finetune.training.packing import (
    ALIGNED,
    LARGEST_STRIDE,
    Batch,
    batches,
    joined_batches,
    pack,
)
from finetune.training.schedule import Schedule

# Starting a micro-batch costs a GPU about as long as this many tokens; and a CPU next to nothing.
STARTING_COSTS = 1024
# Positions of a micro-batch on a CPU, where more are no faster.
CPU_TOKENS = 2048
# Steps that are packed to compare shapes, and the distance of the widths compared.
SAMPLE, STRIDE = 24, 64


class Layout(Protocol):
    """How documents of a step become micro-batches."""

    def batches(self, documents: list[Encoded], padding: int) -> Iterator[Batch]:
        """On the CPU; `padding` is the token that fills rows."""

    def smaller(self) -> "Layout | None":
        """The one to try where memory did not suffice; None where there is none."""


@dataclass(frozen=True)
class Rows:
    """
    Rows and width of a micro-batch, for attention with a mask; `fixed` where every one has to have
    this very shape.
    """

    rows: int
    width: int
    fixed: bool

    def batches(self, documents: list[Encoded], padding: int) -> Iterator[Batch]:
        return batches(documents, self.width, self.rows, padding, self.fixed)

    def smaller(self) -> "Rows | None":
        return replace(self, rows=self.rows // 2) if self.rows > 1 else None


@dataclass(frozen=True)
class Joined:
    """
    One row of at most `most` positions, for attention by the documents' bounds. Lengths differ from
    step to step: there is next to no padding. No document has more than `longest` tokens.
    """

    most: int
    longest: int

    def batches(self, documents: list[Encoded], padding: int) -> Iterator[Batch]:
        return joined_batches(documents, self.most, self.longest, padding)

    def smaller(self) -> "Joined | None":
        return replace(self, most=self.most // 2) if self.most >= 2 * self.longest else None


def layouts(
    model: PreTrainedModel,
    documents: list[Encoded],
    validation: list[Encoded],
    settings: Hyperparameters,
) -> tuple[Layout, Layout]:
    """For training and for validation, by the memory that the model's device has."""
    if model.device.type != "cuda":
        cut = cut_layout(settings, CPU_TOKENS)
        return cut, cut
    tokens = most_tokens(model, joins(model))
    if joins(model):
        return joined_layout(documents, tokens), joined_layout(validation, tokens)
    return fixed_layout(documents, settings, tokens), cut_layout(settings, tokens)


def for_compiled(model: PreTrainedModel, layout: Layout) -> Layout:
    """
    The same for layers that are compiled now: they keep fewer activations, which is tried. Not
    where shapes are fixed, each of which would be compiled.
    """
    if not isinstance(layout, Joined):
        return layout
    return Joined(max(layout.longest, _strided(most_tokens(model, joined=True))), layout.longest)


def joins(model: PreTrainedModel) -> bool:
    """Whether rows may be joined: the model attends by bounds, on this device."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    return attends_by_bounds(causal.get_decoder())


def joined_layout(documents: list[Encoded], most_tokens: int) -> Joined:
    """Of at most `most_tokens` positions, and at least the longest document."""
    longest = max((len(document.input_ids) for document in documents), default=1)
    longest = -(-longest // STRIDE) * STRIDE
    return Joined(max(longest, _strided(most_tokens)), longest)


def _strided(tokens: int) -> int:
    return tokens // LARGEST_STRIDE * LARGEST_STRIDE


def cut_layout(settings: Hyperparameters, most_tokens: int) -> Rows:
    """For what is not compiled: as many rows at a time as there is room for, cut to their need."""
    full = _aligned(settings.max_seq_length)
    return Rows(max(1, most_tokens // full), full, False)


def fixed_layout(documents: list[Encoded], settings: Hyperparameters, most_tokens: int) -> Rows:
    """
    One shape for all micro-batches, of at most `most_tokens` positions (at least one row of
    MAX_SEQ_LENGTH).

    Fixed shapes pad: 1,000 documents of 90 tokens in steps of two fill a third of a row of 512. So
    the first epoch's steps are packed into rows of several widths, and the rows and width with the
    fewest positions, padding and a micro-batch's start-up counted, win.
    """
    full = _aligned(settings.max_seq_length)
    schedule = Schedule(len(documents), settings)
    stride = max(1, schedule.steps_an_epoch // SAMPLE)
    steps = [
        [documents[number] for number in schedule.numbers(step)[:: processes.world()]]
        for step in range(0, schedule.steps_an_epoch, stride)
    ]
    longest = max(len(document.input_ids) for document in documents)
    widths = {full, *range(-(-longest // STRIDE) * STRIDE, full, STRIDE)}
    best = min(
        (_cost(needed, rows, width), -width, rows)
        for width in widths
        for needed in [[len(pack(step, width)) for step in steps]]
        for rows in _row_counts(needed, max(1, most_tokens // width))
    )
    return Rows(best[2], -best[1], True)


def _cost(needed: list[int], rows: int, width: int) -> int:
    micro_batches = sum(-(-count // rows) for count in needed)
    return micro_batches * (rows * width + STARTING_COSTS)


def _row_counts(needed: list[int], most: int) -> set[int]:
    """Row counts that divide what some step needs into equal parts; others only pad more."""
    parts = range(1, -(-max(needed) // most) + 2)
    return {min(most, -(-count // part)) for count in set(needed) for part in parts}


def _aligned(length: int) -> int:
    return -(-length // ALIGNED) * ALIGNED
