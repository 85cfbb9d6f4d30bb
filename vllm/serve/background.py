"""Work that goes on beside vLLM, in a child that outlives the start-up script's exec."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def start(module: str, *arguments: str, environment: Mapping[str, str]) -> None:
    """`python -m MODULE ARGUMENTS`. Nobody waits for it: the container's end ends it."""
    subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**environment, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdin=subprocess.DEVNULL,
    )
