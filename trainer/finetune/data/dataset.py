"""
The rows to learn from: read, limited, checked and put into the prompt's and the completion's
templates.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.source import Unreachable, is_hub_id, source_files, warn_of_branch
from finetune.data.templates import placeholders
from finetune.settings import Settings
from finetune.verdict import BadInput

# The codelab's own seed for choosing rows. It is not SEED: another seed of training keeps the rows.
SHUFFLE_SEED = 42


@dataclass(frozen=True)
class Example:
    """
    What the model is asked and what it should say.

    `prompt` is the exact text that a server is given, `completion` the expected answer without its
    end token. `context` is what rows must share to be kept together when some are held out. `id`
    (12 hexadecimal digits) names the row wherever it stands in the data set.

    Of a chat, `messages` are the messages and `prompt` is the chat template's rendering of all
    before the last answer, special tokens in the text; `graded` are the spans (start and end, in
    characters of `prompt`) of earlier answers with their end tokens, which are learnt as well.
    """

    prompt: str
    completion: str
    context: str = ""
    id: str = ""
    messages: tuple[dict[str, Any], ...] | None = None
    graded: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            digest = hashlib.sha256(f"{self.prompt}\0{self.completion}".encode("utf-8", "replace"))
            object.__setattr__(self, "id", digest.hexdigest()[:12])


@dataclass(frozen=True)
class Examples:
    """All rows, and the exact state of the data set they were taken from."""

    rows: list[Example]
    resolved: str


def load_examples(settings: Settings, scratch: Path) -> Examples:
    """
    Reads DATASET_NAME: a Hub id, JSON Lines at gs:// or at a path.

    Raises:
        BadInput: no such split or column, a row that does not fit, or no row at all.
        Unreachable: nothing is there, or not for this token.
    """
    load = _from_hub if is_hub_id(settings.dataset_name) else _from_json_lines
    rows, resolved = load(settings, scratch)
    if not rows:
        raise BadInput(
            f"DATASET_NAME={settings.dataset_name} has no row in split {settings.dataset_split}"
        )
    used = sorted(
        placeholders(settings.prompt_template) | placeholders(settings.completion_template)
    )
    columns = settings.dataset_columns
    # `context` keeps schemas apart even where no template shows it.
    kept = used + [name for name in ("context",) if name in columns and name not in used]
    examples = []
    for number, row in enumerate(_limited(rows, settings.dataset_limit), start=1):
        values = {name: row.get(columns[name]) for name in kept}
        if missing := [name for name in kept if values[name] is None]:
            raise BadInput(_missing(settings, columns[missing[0]], row, number))
        prompt = settings.prompt_template.format(**values)
        completion = settings.completion_template.format(**values)
        examples.append(Example(prompt, completion, str(values.get("context", prompt))))
    return Examples(examples, resolved)


def _limited(rows: Any, limit: int) -> Any:
    if limit == -1:
        return rows
    if limit > len(rows):
        print(
            f"DATASET_LIMIT={limit} is more than the {len(rows)} rows there are: all are used",
            flush=True,
        )
    from datasets import Dataset

    # `datasets` decides the order, so that the rows are those of the codelab's script.
    order = Dataset.from_dict({"row": list(range(len(rows)))}).shuffle(seed=SHUFFLE_SEED)["row"]
    return [rows[number] for number in order[: min(limit, len(rows))]]


def _missing(settings: Settings, column: str, row: dict[str, Any], number: int) -> str:
    if column in row:
        return (
            f"column {column} is empty in row {number} of DATASET_NAME={settings.dataset_name}: "
            "fill it or remove the row"
        )
    return (
        f"DATASET_COLUMNS names the column {column}, which DATASET_NAME={settings.dataset_name} "
        f"does not have (row {number} has {', '.join(sorted(row))})"
    )


def _from_hub(settings: Settings, _scratch: Path) -> tuple[Any, str]:
    from datasets import load_dataset
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    warn_of_branch("DATASET_REVISION", settings.dataset_revision)
    try:
        resolved = (
            HfApi().dataset_info(settings.dataset_name, revision=settings.dataset_revision).sha
        )
        splits = load_dataset(settings.dataset_name, revision=resolved)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise Unreachable(f"DATASET_NAME={settings.dataset_name}: {first_line}") from error
    if settings.dataset_split not in splits:
        raise BadInput(
            f"DATASET_SPLIT={settings.dataset_split} is not in {settings.dataset_name}, "
            f"which has {', '.join(splits)}"
        )
    return splits[settings.dataset_split], resolved


def _from_json_lines(settings: Settings, scratch: Path) -> tuple[list[dict[str, Any]], str]:
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
        )
    return [row for path in of_split or paths for row in _rows(path)], source.resolved


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"line {number} of {path.name} is not JSON ({error.msg})") from error
        if not isinstance(row, dict):
            raise BadInput(f"line {number} of {path.name} is not a JSON object")
        rows.append(row)
    return rows
