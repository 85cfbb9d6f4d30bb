"""Rows of a JSON Lines file, whatever editor or program wrote it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.verdict import BadInput

BOM = b"\xef\xbb\xbf"
# Python refuses to turn more digits than this into a number, or back.
LONGEST_INTEGER = 4300


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Yields number (from 1) and object of each line that is not blank. Lines end with \\n or \\r\\n
    and nothing else: a JSON text may hold other line separators, such as U+2028. An integer of
    thousands of digits stays text.

    Raises:
        BadInput: a line is no UTF-8, no JSON or no object, named by its number.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            line = line.removeprefix(BOM) if number == 1 else line
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"), parse_int=_integer)
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"line {number} of {path.name} is not UTF-8: save the file as UTF-8"
                ) from error
            except json.JSONDecodeError as error:
                raise BadInput(
                    f"line {number} of {path.name} is not JSON ({error.msg} at character "
                    f"{error.pos + 1}): {shown(line.decode('utf-8'))}"
                ) from error
            except RecursionError as error:
                raise BadInput(f"line {number} of {path.name} is nested too deeply") from error
            if not isinstance(row, dict):
                raise BadInput(f"line {number} of {path.name} is not a JSON object: {shown(row)}")
            yield number, row


def shown(value: Any, length: int = 200) -> str:
    """A row or a line as far as a message has room for it, on one line and safe to print."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < LONGEST_INTEGER else digits
