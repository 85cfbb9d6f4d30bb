"""
Processes that begin with everything imported.

Importing torch takes longer than a whole run on a tiny base, and many tests need a process of their
own. So one process that has the imports behind it waits, and forks whenever one is asked for.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Self

# Far more than any of them takes, also on a machine that is busy with other things.
SECONDS = 300


@dataclass(frozen=True)
class Asked:
    """What a process does: `function`, which returns its exit code."""

    function: Callable[[], int]
    environment: Mapping[str, str]
    output: str
    errors: str


class Forks:
    """The waiting process, from outside."""

    def __init__(self, process: int, connection: Connection) -> None:
        self._process, self._connection = process, connection
        self._running: list[int] = []

    @classmethod
    def of_this_process(cls) -> Self:
        """They begin with what is imported here. Nothing may have started a thread before."""
        here, there = Pipe()
        process = os.fork()
        if process == 0:
            here.close()
            serve(there)
        there.close()
        return cls(process, here)

    @classmethod
    def of_a_new_process(cls, imports: Sequence[str], without: str) -> Self:
        """They begin with these modules, and end with an error where `without` is imported."""
        here, there = Pipe()
        code = (
            "import gc, sys; gc.disable()\n"
            f"sys.modules[{without!r}] = None; sys.path[:0] = {sys.path!r}\n"
            f"import {', '.join(imports)}, forks\n"
            f"forks.serve(forks.Connection({there.fileno()}))"
        )
        process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[there.fileno()])
        there.close()
        return cls(process.pid, here)

    def close(self) -> None:
        """Ends the waiting process."""
        self._connection.close()
        os.waitpid(self._process, 0)

    def start(self, asked: Sequence[Asked]) -> list[int]:
        """Starts processes at the same time; their ids."""
        self._end_those_of_a_test_that_failed()
        self._connection.send_bytes(pickle.dumps(asked))
        self._running = self._answer()
        return self._running

    def codes(self) -> list[int]:
        """Waits for the processes that were started; exit codes, below 0 that of a signal."""
        self._running = []
        return self._answer()

    def _end_those_of_a_test_that_failed(self) -> None:
        """Nobody has asked for their codes, which would be taken for those of the next ones."""
        if self._running:
            for process in self._running:
                kill(process, signal.SIGKILL)
            self.codes()

    def _answer(self) -> list[int]:
        assert self._connection.poll(SECONDS), f"no end after {SECONDS} s"
        return self._connection.recv()


def serve(connection: Connection) -> None:
    """The waiting process itself. It ends with the one that asks, and never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A collection that looked at what is imported would copy all its memory in each fork.
    gc.collect()
    gc.freeze()
    gc.enable()
    while True:
        try:
            asked = pickle.loads(connection.recv_bytes())
        except EOFError:
            os._exit(0)
        children = [_fork(one) for one in asked]
        connection.send(children)
        connection.send([os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children])


def _fork(asked: Asked) -> int:
    child = os.fork()
    if child != 0:
        return child
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, descriptor in ((asked.output, 1), (asked.errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    # pytest has replaced them in the process that this is a fork of.
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ.update(asked.environment)
    code: Any = 1
    try:
        code = asked.function()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def runs(process: int) -> bool:
    """Whether a process has not ended yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before, or while its file was read
        return False


def end_when(
    process: int, number: signal.Signals, moment: Callable[[], bool], seconds: float
) -> None:
    """Sends a signal as soon as `moment` is true, or after so many seconds; none to what ended."""
    limit = time.monotonic() + seconds
    while not moment() and time.monotonic() < limit and runs(process):
        time.sleep(0.0005)
    kill(process, number)


def kill(process: int, number: signal.Signals) -> None:
    """Sends a signal, unless the process has ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)
