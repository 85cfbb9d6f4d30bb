"""What several test files share: a tiny base and a fake Cloud Storage."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts_of_a_run import RUN, Attempts
from cloud_storage_server import CloudStorageServer
from tiny import environment, rows, write_base, write_jsonl

# Two threads wait for each other longer than such small matrices take, most of all on a busy
# machine.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random base of each shape."""
    return {
        shape: write_base(tmp_path_factory.mktemp(shape), shape)
        for shape in ("llama", "gemma", "gemma2")
    }


@pytest.fixture(scope="session")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attempts]:
    """Starts attempts of a run as processes of their own."""
    attempts = Attempts(tmp_path_factory.mktemp("attempts") / "log")
    yield attempts
    attempts.close()


@pytest.fixture(scope="session")
def job(bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory):
    """The environment of `attempts_of_a_run.RUN` that publishes below a bucket."""
    dataset = write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", rows()).parent

    def variables(bucket: Path | str, **changes: str) -> dict[str, str]:
        settings = {**RUN, **changes}
        return {**os.environ, **environment(bases["llama"], dataset, bucket, **settings)}

    return variables


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorageServer]:
    """A Cloud Storage on loopback that google-cloud-storage talks to."""
    with CloudStorageServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of this machine, and no signal handler of a run, reaches a test."""
    for name in ("HF_TOKEN", "PROJECT_ID", "MODEL_NAME", "DATASET_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch):
    """Sets the variables of a job."""

    def set_all(variables: dict[str, str]) -> dict[str, str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return {**os.environ}

    return set_all
