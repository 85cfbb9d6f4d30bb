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
class Moment:
    """Seconds since the process began, and how many of a processor it and its children took.

    The second number is the one to compare: on a busy machine the first says how busy it was.
    """

    passed: float
    worked: float


@dataclass(frozen=True)
class Start:
    """When each phase ended; the log's own words on loading too."""

    phases: Mapping[str, Moment]
    healthy: Moment
    first_answer: Moment
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

    def now() -> Moment:
        return Moment(time.monotonic() - began, processor_seconds(process.pid))

    phases: dict[str, Moment] = {}
    lines: list[str] = []

    def collect() -> None:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            for name, pattern in ENDS.items():
                if name not in phases and re.search(pattern, line):
                    phases[name] = now()

    Thread(target=collect, daemon=True).start()
    try:
        wait_until_healthy(process, lines)
        healthy = now()
        answer()
        answered = now()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    loading = next((line for line in lines if "Loading weights took" in line), "")
    return Start(phases, healthy, answered, loading[-60:].strip())


def path(environment: Mapping[str, str]) -> str:
    """The caller's stays behind: the streamer may be installed there."""
    given = environment.get("PYTHONPATH") or os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, [str(SERVE), given]))


def processor_seconds(session: int) -> float:
    """Of all processes of a session, as /proc tells them (man 5 proc, stat)."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # ended since
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))  # with those children that ended
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_healthy(process: subprocess.Popen[str], lines: list[str]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("not healthy:\n" + "\n".join(lines[-30:]))


def answer() -> None:
    """One completion of one token."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/generate",
        data=b'{"prompt": "Question: how many?", "max_tokens": 1}',
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        response.read()
