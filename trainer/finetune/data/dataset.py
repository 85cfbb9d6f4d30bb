"""The rows to learn from: read, checked, put into the templates, in the tutorial's order."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.data.chat_examples import examples_of_chats
from finetune.data.columns import examples_of_columns
from finetune.data.encoding import encode
from finetune.data.example import Example
from finetune.data.row_checks import RowFault, RowReport
from finetune.data.rows import Row, Rows, read_rows
from finetune.settings import Settings

# The codelab's own seed for choosing rows. It is not SEED: another seed of training keeps the rows.
SHUFFLE_SEED = 42


@dataclass(frozen=True)
class Examples:
    """
    All usable rows in the order in which they are to be trained on, the exact state of the data set
    they were taken from, and what became of the others. DATASET_LIMIT is not applied yet: it counts
    training rows, which are those that `hold_out` leaves.
    """

    rows: list[Example]
    resolved: str
    report: RowReport = field(default_factory=lambda: RowReport(0), compare=False)


def load_examples(
    settings: Settings, scratch: Path, tokenizer: Any = None, read: Rows | None = None
) -> Examples:
    """
    Reads and checks the rows. They come in the order that the codelab's shuffle gives the whole
    data set, so that the first N are the codelab's N.

    The tokenizer is that of the base. A chat needs it, and so do the checks for rows that are too
    long or hold the text of special tokens. One without a chat template is given one here. `read`
    are the rows where they have been read already.

    Raises:
        BadInput: no such split or column, a line that is no JSON object, no usable row, or more
            than half of the rows dropped.
        Unreachable: nothing is there, or not for this token.
    """
    read = read or read_rows(settings, scratch)
    report = RowReport(len(read.rows))
    kinds = {"columns": examples_of_columns, "messages": examples_of_chats}
    make = kinds[settings.dataset_format](settings, tokenizer, report)
    made: list[tuple[int, Example]] = []
    for number, row in enumerate(read.rows):
        try:
            made += [(number, example) for example in make(row)]
        except RowFault as fault:
            report.drop(row, fault.kind, str(fault))
    made = _distinct(made, read.rows, report)
    if tokenizer is not None:
        made = _fitting(made, read.rows, report, tokenizer, settings.max_seq_length)
    report.kept = len(made)
    report.require_usable(settings.dataset_name)
    for line in report.lines():
        print(line, flush=True)
    rank = {number: place for place, number in enumerate(_order(len(read.rows)))}
    made.sort(key=lambda item: rank[item[0]])  # stable: the answers of one chat stay in order
    return Examples([example for _, example in made], read.resolved, report)


def _distinct(
    made: list[tuple[int, Example]], rows: list[Row], report: RowReport
) -> list[tuple[int, Example]]:
    """Without the rows that stand there twice; different answers to one prompt are counted."""
    seen: dict[str, str] = {}
    answers: dict[str, set[str]] = {}
    kept = []
    for number, example in made:
        if example.id in seen:
            report.drop(rows[number], "doubled", f"it says the same as {seen[example.id]}")
            continue
        seen[example.id] = rows[number].place
        answers.setdefault(example.prompt, set()).add(example.id)
        kept.append((number, example))
    conflicting = sum(len(ids) for ids in answers.values() if len(ids) > 1)
    report.note("another row has the same prompt and another answer", conflicting)
    return kept


def _fitting(
    made: list[tuple[int, Example]],
    rows: list[Row],
    report: RowReport,
    tokenizer: Any,
    length: int,
) -> list[tuple[int, Example]]:
    """Those of at most `length` tokens. A row that was cut would teach half an answer."""
    # A text of a megabyte takes a tokenizer seconds, and no token is longer than the longest.
    most = length * max(map(len, tokenizer.get_vocab()))
    short = [row for _, row in made if len(row.prompt) + len(row.completion) <= most]
    encoded = encode(short, tokenizer)
    tokens = {row.id: len(ids.input_ids) for row, ids in zip(short, encoded, strict=True)}
    kept = []
    for number, row in made:
        if tokens.get(row.id, length + 1) <= length:
            kept.append((number, row))
            continue
        held = f"{tokens[row.id]:,} tokens" if row.id in tokens else f"over {most:,} characters"
        report.drop(rows[number], "too long", f"{held}; MAX_SEQ_LENGTH is {length:,}")
    return kept


def _order(count: int) -> list[int]:
    """The order of `datasets.Dataset.shuffle(seed=42)`, without loading that library."""
    import numpy

    return numpy.random.default_rng(SHUFFLE_SEED).permutation(count).tolist()
