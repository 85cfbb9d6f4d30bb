"""
Asks for a decision whenever a file changes that decides what a training run results in.

`recipe.json` has a version, which is part of every run id, and the hash of each such file. After a
change: `python -m finetune.recipe --accept` where results stay the same; raise `version` by hand
first where they do not.
"""

import hashlib
import json
import sys
from pathlib import Path

TRAINER = Path(__file__).parent.parent
RECIPE = TRAINER / "recipe.json"
DECIDING = (
    *(
        f"finetune/data/{name}.py"
        for name in (
            "chat",
            "chat_examples",
            "columns",
            "dataset",
            "encoding",
            "held_out",
            "json_lines",
            "messages",
            "plain_template",
            "row_checks",
            "rows",
            "shared_tables",
            "special_text",
        )
    ),
    *(
        f"finetune/training/{name}.py"
        for name in (
            "adapter",
            "attempt",
            "base_model",
            "float8",
            "last_layer",
            "layout",
            "loop",
            "loss",
            "micro_step",
            "optimizer_step",
            "packed_attention",
            "packing",
            "precision",
            "recomputation",
            "schedule",
            "start_adapter",
            "train_adapter",
        )
    ),
    "finetune/materials.py",
    "finetune/publishing/base_tensors.py",
    "finetune/publishing/lora.py",
    "finetune/publishing/merging.py",
    "requirements.txt",
)


def hashes() -> dict[str, str]:
    """The SHA-256 of each file that decides results."""
    return {name: hashlib.sha256((TRAINER / name).read_bytes()).hexdigest() for name in DECIDING}


def undecided() -> list[str]:
    """Files that differ from what `recipe.json` has accepted."""
    accepted = json.loads(RECIPE.read_text("utf-8"))["files"]
    current = hashes()
    return sorted(
        name for name in accepted.keys() | current if accepted.get(name) != current.get(name)
    )


def accept() -> None:
    """Writes the present hashes, and leaves the version as it is."""
    version = json.loads(RECIPE.read_text("utf-8"))["version"] if RECIPE.is_file() else 1
    RECIPE.write_text(json.dumps({"version": version, "files": hashes()}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--accept"]:
        accept()
    elif changed := undecided():
        sys.exit(f"changed without a decision: {', '.join(changed)}. {__doc__}")
