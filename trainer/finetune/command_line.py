"""The arguments of `python -m finetune`: there are next to none, the environment says the rest."""

import sys
from collections.abc import Callable, Sequence

from finetune.verdict import BAD_INPUT

USAGE = """usage: python -m finetune [--check | --help]

Fine-tunes MODEL_NAME on DATASET_NAME and publishes the result to OUTPUT_URI. All settings are
environment variables (docs/hyperparameters.md and docs/settings.md list them).

  --check   train nothing: look at base, rows and settings, show one row with what is learnt of it,
            and estimate steps, memory, time and cost. MODEL_NAME and DATASET_NAME are enough.
  --help    show this text

exit codes: 0 done, 1 another attempt may succeed, 2 settings or data have to change, 3 below the
bar of the promotion, 75 interrupted, to be started again
"""


def command(arguments: Sequence[str], run: Callable[[], int]) -> int:
    """Does what the arguments ask for, by default `run`, and returns the exit code."""
    if not arguments:
        return run()
    if list(arguments) == ["--check"]:
        from finetune.check import check_environment

        return check_environment()
    if list(arguments) in (["--help"], ["-h"]):
        print(USAGE, end="")
        return 0
    print(f"error: unknown arguments: {' '.join(arguments)}\n\n{USAGE}", file=sys.stderr, end="")
    return BAD_INPUT
