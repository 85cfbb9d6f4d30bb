"""Starts the serving container's process, and tells how long each phase of it took."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

SERVE = Path(__file__).parent.parent
PORT = 18_741
SECONDS = 300

# The first line of the log that matches ends a phase.
ENDS = {
    "start-up script: Python, driver, verification": r"serve: starting vLLM",
    "vLLM imported, arguments read": r"non-default args",
    "engine's process imported": r"Initializing a V1 LLM engine",
    "weights loaded": r"Loading weights took|Model loading took",
    "engine ready (memory measured, compiled)": r"init engine .* took",
}


@dataclass(frozen=True)
class Start:
    """Seconds since the process began, by the phase that ended then; the log's own words too."""

    phases: Mapping[str, float]
    healthy: float
    first_answer: float
    loading: str


def start(model: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Start:
    """One start, from the process to the first answer; the process ends with it.

    Raises RuntimeError with the log's end where the service does not become healthy.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "serve", f"--model={model}", f"--port={PORT}", *arguments],
        env={**os.environ, **environment, "PYTHONPATH": path(environment)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[tuple[float, str]] = []
    reader = Thread(target=collect, args=(process, began, lines), daemon=True)
    reader.start()
    try:
        healthy = wait_until_healthy(process, began, lines)
        answer()
        answered = time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    phases = {}
    for name, pattern in ENDS.items():
        found = next((moment for moment, line in lines if re.search(pattern, line)), None)
        if found is not None:
            phases[name] = found
    loading = next((line for _, line in lines if "Loading weights took" in line), "")
    return Start(phases, healthy, answered, loading[-60:].strip())


def path(environment: Mapping[str, str]) -> str:
    return os.pathsep.join(filter(None, [str(SERVE), environment.get("PYTHONPATH", "")]))


def collect(process: subprocess.Popen[str], began: float, lines: list[tuple[float, str]]) -> None:
    for line in process.stdout or ():
        lines.append((time.monotonic() - began, line.rstrip()))


def wait_until_healthy(
    process: subprocess.Popen[str], began: float, lines: list[tuple[float, str]]
) -> float:
    while time.monotonic() - began < SECONDS and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2):
                return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("not healthy:\n" + "\n".join(line for _, line in lines[-30:]))


def answer() -> None:
    """One completion of one token."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/generate",
        data=b'{"prompt": "Question: how many?", "max_tokens": 1}',
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        response.read()
