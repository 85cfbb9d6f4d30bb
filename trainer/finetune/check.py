"""
`python -m finetune --check`: what a run with this environment would do, on any machine and without
training. Nothing is written but the small files of base and data set to local scratch.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finetune.checking.base_facts import BaseFacts, base_facts
from finetune.checking.estimates import estimates
from finetune.checking.shown_row import shown_row
from finetune.checking.training_rows import TrainingRows
from finetune.data.dataset import Examples, load_examples
from finetune.data.held_out import Split, hold_out
from finetune.data.plain_template import with_chat_template
from finetune.data.rows import read_rows
from finetune.data.source import Unreachable, is_hub_id
from finetune.preflight import check_incumbent
from finetune.settings import Settings, SettingsError, read_settings
from finetune.training.base_model import load_tokenizer
from finetune.training.start_adapter import check_start_adapter
from finetune.verdict import BAD_INPUT, BadInput

# What only a run needs: a check works with a base and a data set alone.
STAND_INS = {
    "run_id": "000000000000",
    "output_uri": "/tmp/finetune-check/version",
    "checkpoint_uri": "/tmp/finetune-check/checkpoints",
    "recipe_version": "1",
    "trainer_source_hash": "000000000000",
}


def check_environment() -> int:
    """
    Checks the environment of a run, in which RUN_ID, OUTPUT_URI and the like may be missing.
    Returns the exit code: 0, or 2 with every problem on stderr.
    """
    missing = {name: value for name, value in STAND_INS.items() if not os.environ.get(name.upper())}
    try:
        settings = read_settings(**missing)
    except SettingsError as error:
        return _failed([f"these environment variables have to change:\n{error}"])
    return check(settings)


def check(settings: Settings) -> int:
    """Prints what a run would do; 0, or 2 with every problem on stderr."""
    # A log that is no UTF-8 gets escapes rather than an error.
    sys.stdout.reconfigure(errors="backslashreplace")
    _quieten(settings)
    problems: list[str] = []

    def attempt(step: Callable[[], Any]) -> Any:
        try:
            return step()
        except (BadInput, Unreachable, OSError) as error:
            problems.append(str(error))
            return None

    with tempfile.TemporaryDirectory(prefix="finetune-check-") as directory:
        scratch = Path(directory)
        facts: BaseFacts | None = attempt(lambda: base_facts(settings, scratch))
        tokenizer = facts and attempt(
            lambda: with_chat_template(load_tokenizer(facts.source.path), settings)
        )
        examples = attempt(lambda: _examples(settings, scratch, tokenizer))
        split: Split | None = examples and attempt(
            lambda: hold_out(examples.rows, settings.evaluation_rows, settings.dataset_limit)
        )
        if facts:
            attempt(lambda: facts.targets(settings.lora_target_modules))
        attempt(lambda: check_start_adapter(settings))
        attempt(lambda: check_incumbent(settings))
        if tokenizer and split and not split.training:
            problems.append("no row is left to train on: set a smaller EVALUATION_ROWS")
        elif tokenizer and split:
            rows = TrainingRows(split, tokenizer, settings)
            print(
                "\nOne row of training as the model sees it, the loss being over what stands "
                f"between >>> and <<<:\n\n{shown_row(rows.documents[0], tokenizer)}\n"
            )
            lines = [*rows.lines(examples.report), *(estimates(rows, facts, settings))]
            print("\n".join(lines), flush=True)
    return _failed(problems) if problems else 0


def _examples(settings: Settings, scratch: Path, tokenizer: Any) -> Examples | None:
    """The rows; without a tokenizer, what can be said of them without one."""
    if tokenizer is None and settings.dataset_format == "messages":
        read_rows(settings, scratch)
        return None
    return load_examples(settings, scratch, tokenizer)


def _quieten(settings: Settings) -> None:
    import transformers
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    if is_hub_id(settings.dataset_name):
        import datasets

        datasets.disable_progress_bars()


def _failed(problems: list[str]) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print("this environment cannot be trained with", file=sys.stderr, flush=True)
    return BAD_INPUT
