"""The environment is complete or not there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MAKE = Path(__file__).parents[1] / "make_environment.py"
RUN = """
import json, os, sys
sys.path.insert(0, {folder!r})
import make_environment
make_environment.run(json.loads(sys.argv[1]), dict(os.environ), [int(sys.argv[2])])
"""


def start(command: list[str], watched: int) -> subprocess.Popen:
    code = RUN.format(folder=str(MAKE.parent))
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(command), str(watched)],
        stderr=subprocess.PIPE,
        text=True,
    )


def sleeper(file: Path) -> list[str]:
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    return [sys.executable, "-c", code]


def pid_in(file: Path) -> int:
    for _ in range(100):
        if file.exists() and file.read_text(encoding="utf-8"):
            return int(file.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise TimeoutError(file)


def test_fails_when_an_installer_fails() -> None:
    process = start([sys.executable, "-c", "raise SystemExit(3)"], os.getpid())
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "exit code 3" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_installer_too(tmp_path: Path, number: signal.Signals) -> None:
    process = start(sleeper(tmp_path / "pid"), os.getpid())
    child = pid_in(tmp_path / "pid")
    process.send_signal(number)
    assert process.wait(timeout=20) == 128 + number
    assert not Path(f"/proc/{child}").exists()


def test_the_installer_ends_with_the_process_that_wanted_it(tmp_path: Path) -> None:
    wanting = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process = start(sleeper(tmp_path / "pid"), wanting.pid)
    child = pid_in(tmp_path / "pid")
    wanting.kill()
    wanting.wait()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert not Path(f"/proc/{child}").exists()


def test_an_environment_that_is_there_is_left_alone(tmp_path: Path) -> None:
    environment = tmp_path / "python3.11-0123456789ab"
    environment.mkdir()
    subprocess.run(
        [sys.executable, str(MAKE), str(tmp_path), str(environment), str(os.getpid())], check=True
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", environment.name]
