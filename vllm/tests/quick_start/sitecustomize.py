"""Python imports this before the service, of which it saves half of the start.

What differs from a real start: vLLM's engine is a fork. Rehearsals start vLLM as it stands.
"""

import gc
import multiprocessing
import os
import socket
from contextlib import suppress
from multiprocessing.context import BaseContext

# Nearly all that an import makes stays: looking for garbage in it takes a fifth of its time.
gc.set_threshold(10_000)

context = multiprocessing.get_context


def forking(method: str | None = None) -> BaseContext:
    """On CPUs vLLM spawns, whatever it is told, and a spawned engine imports all of vLLM again."""
    return context("fork" if method == "spawn" else method)


def close_the_port() -> None:
    """A spawned engine has no part in the service's socket, and at its end vLLM looks who has."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # no socket
            inherited = socket.socket(fileno=descriptor)
            if inherited.family == socket.AF_INET:
                os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
            inherited.detach()


multiprocessing.get_context = forking
os.register_at_fork(after_in_child=close_the_port)
