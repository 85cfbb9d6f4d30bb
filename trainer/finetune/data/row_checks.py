"""Which rows are worth training on, and the account of those that are not."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from finetune.data.json_lines import shown
from finetune.data.rows import Row
from finetune.verdict import BadInput

# With more than this share of the rows dropped, it is the settings that are wrong, not the rows.
LARGEST_DROPPED_SHARE = 0.5

MEANING = {
    "empty": "a field is missing or blank",
    "malformed": "no chat that the template can show",
    "ends early": "the answer holds the text of an end token",
    "too long": "more than MAX_SEQ_LENGTH tokens",
    "doubled": "prompt and answer stand in an earlier row as well",
}


class RowFault(Exception):
    """A row that cannot be trained on; `kind` is a key of MEANING."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass
class RowReport:
    """
    What became of the rows: how many were read, kept and dropped by kind, the first bad row's
    place, and what was kept but is worth knowing: prompts that have several different answers,
    prompts that hold the text of a special token, texts with broken characters, chats whose system
    message was moved into the first question.
    """

    read: int
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    first: str | None = None
    noted: dict[str, int] = field(default_factory=dict)
    _first: int | None = None

    def __post_init__(self) -> None:
        """The text of the first bad row is no field: a saved report has no data in it."""
        self._first_text = ""

    def drop(self, row: Row, kind: str, reason: str) -> None:
        """Counts a row that is dropped, and remembers the first of them."""
        self.dropped[kind] = self.dropped.get(kind, 0) + 1
        if self._first is None or row.number < self._first:
            self._first = row.number
            self.first = f"{row.place} ({reason})"
            self._first_text = shown(row.values)

    def note(self, what: str, count: int = 1) -> None:
        """Counts something about rows that are kept."""
        if count:
            self.noted[what] = self.noted.get(what, 0) + count

    def lines(self) -> list[str]:
        """
        The account as lines for the log, nothing where every row is used as it is. Of the rows
        themselves nothing: a log has other readers than the data.
        """
        lines = []
        if self.dropped:
            kinds = [f"{count} {kind} ({MEANING[kind]})" for kind, count in self.dropped.items()]
            lines.append(
                f"{sum(self.dropped.values())} of {self.read} rows dropped: {', '.join(kinds)}"
            )
            lines.append(f"the first is {self.first}")
        return lines + [f"{count} rows: {what}" for what, count in self.noted.items()]

    def require_usable(self, name: str) -> None:
        """Raises BadInput where nothing, or less than half, is left."""
        dropped = sum(self.dropped.values())
        if self.kept and dropped <= LARGEST_DROPPED_SHARE * (self.kept + dropped):
            return
        left = f"only {self.kept} of {self.read} rows are usable" if self.kept else "no usable row"
        # Nothing can be trained: here the row says what is wrong with the file.
        account = "; ".join(self.lines()).replace(
            f"the first is {self.first}", f"the first is {self.first}: {self._first_text}"
        )
        raise BadInput(f"DATASET_NAME={name}: {left}; {account}")


REPAIRED = "a character is broken (U+FFFD)"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(value: Any) -> str:
    """
    A column's value as a text: nested values as JSON, other values as Python writes them. Half of
    a surrogate pair, which no tokenizer takes, becomes U+FFFD.

    Raises:
        RowFault: the value is None, or nested too deeply.
    """
    if value is None:
        raise RowFault("empty", "missing")
    try:
        nested = isinstance(value, dict | list)
        text = json.dumps(value, ensure_ascii=False, default=str) if nested else str(value)
    except (RecursionError, ValueError) as error:
        raise RowFault("malformed", "nested too deeply, or a number too long") from error
    return LONE_SURROGATE.sub("\ufffd", text)


def blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, NUL, zero-width characters or nothing at all."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)
