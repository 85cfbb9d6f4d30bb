"""The rows of a data set as they are, before templates and checks."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from finetune.data.json_lines import json_lines
from finetune.data.source import Unreachable, is_hub_id, source_files, warn_of_branch
from finetune.data.templates import placeholders
from finetune.settings import Settings
from finetune.verdict import BadInput


@dataclass(frozen=True)
class Row:
    """
    One row: its place among all (from 0), where a person finds it (row 7, or line 7 of
    train.jsonl), and its columns.
    """

    number: int
    place: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """All rows in the data set's order, and the exact state of it that they were taken from."""

    rows: list[Row]
    resolved: str


def read_rows(settings: Settings, scratch: Path) -> Rows:
    """
    Reads DATASET_NAME: a Hub id, JSON Lines at gs:// or at a path.

    Raises:
        BadInput: there is no such split or column, a line is no JSON object, or there is no row.
        Unreachable: nothing is there, or not for this token.
    """
    load = _from_hub if is_hub_id(settings.dataset_name) else _from_json_lines
    rows = load(settings, scratch)
    if not rows.rows:
        raise BadInput(
            f"DATASET_NAME={settings.dataset_name} has no row in split {settings.dataset_split}"
        )
    return rows


def wanted_columns(settings: Settings) -> dict[str, str]:
    """
    Placeholder to column, of those that the templates use; or `messages` to the chat's column.
    `context` keeps schemas apart even where no template shows it.
    """
    if settings.dataset_format == "messages":
        return {"messages": settings.dataset_messages}
    used = placeholders(settings.prompt_template) | placeholders(settings.completion_template)
    columns = settings.dataset_columns
    return {name: columns[name] for name in columns if name in used or name == "context"}


def _from_hub(settings: Settings, _scratch: Path) -> Rows:
    from datasets import load_dataset
    from huggingface_hub import HfApi

    # HTTPError is of whichever HTTP client the Hub's own is built on.
    from huggingface_hub.errors import HFValidationError, HTTPError

    warn_of_branch("DATASET_REVISION", settings.dataset_revision)
    name = settings.dataset_name
    try:
        resolved = HfApi().dataset_info(name, revision=settings.dataset_revision).sha
        splits = load_dataset(name, revision=resolved)
    except (HTTPError, HFValidationError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise Unreachable(f"DATASET_NAME={name}: {first_line}") from error
    except ValueError as error:  # several configurations, or files that `datasets` cannot read
        raise BadInput(
            f"DATASET_NAME={name} cannot be loaded as it is: {str(error).strip().splitlines()[0]} "
            "(save the rows you want as JSON Lines and name that file)"
        ) from error
    split = settings.dataset_split
    if split not in splits:
        raise BadInput(
            f"DATASET_SPLIT={split} is not in {name}, which has {', '.join(splits)}"
            f"{did_you_mean(split, splits)}"
        )
    rows = splits[split]
    _require_columns(settings, rows.column_names)
    kept = {*wanted_columns(settings).values(), *_optional(settings)}
    rows = rows.select_columns([column for column in rows.column_names if column in kept])
    return Rows(
        [Row(number, f"row {number + 1}", row) for number, row in enumerate(rows.to_list())],
        resolved,
    )


def _from_json_lines(settings: Settings, scratch: Path) -> Rows:
    source = source_files(
        settings.dataset_name, "DATASET_NAME", (".jsonl",), scratch / "dataset", settings.project_id
    )
    paths = [source.path] if source.path.is_file() else sorted(source.path.glob("*.jsonl"))
    # A folder with one file per split would otherwise put its test rows into the training.
    of_split = [path for path in paths if path.stem == settings.dataset_split]
    if not of_split and settings.dataset_split != "train":
        raise BadInput(
            f"DATASET_SPLIT={settings.dataset_split}: {settings.dataset_name} has no "
            f"{settings.dataset_split}.jsonl"
            f"{did_you_mean(settings.dataset_split, [path.stem for path in paths])}"
        )
    rows: list[Row] = []
    for path in of_split or paths:
        for line, row in json_lines(path):
            rows.append(Row(len(rows), f"line {line} of {path.name}", row))
    if rows:
        _require_columns(settings, dict.fromkeys(name for row in rows for name in row.values))
    return Rows(rows, source.resolved)


def did_you_mean(name: str, known: Any) -> str:
    """The closest known name as a question, or nothing."""
    lower = {str(other).lower(): str(other) for other in known}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return f"; did you mean {lower[close[0]]}?" if close else ""


def _require_columns(settings: Settings, columns: Any) -> None:
    missing = {
        column: name for name, column in wanted_columns(settings).items() if column not in columns
    }
    if not missing:
        return
    variable = "DATASET_MESSAGES" if settings.dataset_format == "messages" else "DATASET_COLUMNS"
    column = next(iter(missing))
    raise BadInput(
        f"{variable} names the column {' and '.join(missing)}, which DATASET_NAME="
        f"{settings.dataset_name} does not have: it has {', '.join(sorted(map(str, columns)))}"
        f"{did_you_mean(column, columns)}"
    )


def _optional(settings: Settings) -> tuple[str, ...]:
    # Functions that the model may call, which chat templates show to it.
    return ("tools",) if settings.dataset_format == "messages" else ()
