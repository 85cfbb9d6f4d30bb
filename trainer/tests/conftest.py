"""What several test files share: a tiny base, processes, and a fake Cloud Storage."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from attempts_of_a_run import RUN, Attempts
from cloud_storage_server import CloudStorageServer
from forks import Asked, Forks
from tiny import environment, rows, write_base, write_jsonl

from finetune.__main__ import main

# Two threads wait for each other longer than such small matrices take, most of all on a busy
# machine.
os.environ["OMP_NUM_THREADS"] = "1"

FORKS = pytest.StashKey[Forks]()
# What a run imports on its way, so that its processes need not do it one by one.
WARM = [
    "finetune.phases.training",
    "finetune.phases.evaluation",
    "finetune.phases.merging",
    "google.cloud.storage",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "peft.utils.transformers_weight_conversion",
    "sqlglot.dialects.sqlite",
    "transformers.models.llama.modeling_llama",
    "transformers.optimization",
]
WARM_WITHOUT_TORCH = ["google.cloud.storage", "transformers.models.auto.tokenization_auto"]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random base of each shape."""
    return {
        shape: write_base(tmp_path_factory.mktemp(shape), shape)
        for shape in ("llama", "gemma", "gemma2")
    }


def pytest_configure() -> None:
    # While everything is imported nothing becomes garbage, and looking for it takes a second.
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """All test files are imported, and no test has started a thread yet."""
    with_forks = any("forks" in item.fixturenames for item in session.items)
    if with_forks:
        for name in WARM:
            importlib.import_module(name)
        # Hundreds of regular expressions, that each process would compile to load its first model.
        conversions = importlib.import_module("transformers.conversion_mapping")
        conversions.get_checkpoint_conversion_mapping("llama")
    if "torch" in sys.modules:
        # A random model never ends its answers, and the 128 tokens of each say no more than these.
        importlib.import_module("finetune.publishing.golden").LONGEST = 4
        # Nobody looks at the curves of runs; test_report.py draws them in their full size.
        importlib.import_module("finetune.publishing.loss_curve").DOTS = 20
    keep_what_is_imported()
    gc.enable()
    if with_forks:
        session.stash[FORKS] = Forks.of_this_process()


def keep_what_is_imported() -> None:
    """What is imported stays: nobody has to look for garbage in it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _of_each_file() -> Iterator[None]:
    """Tests import more on their way."""
    yield
    keep_what_is_imported()


@pytest.fixture(scope="session")
def forks(request: pytest.FixtureRequest) -> Iterator[Forks]:
    """Processes that begin with torch, transformers and all tests imported."""
    forks = request.session.stash[FORKS]
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def attempts(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Attempts:
    """Starts attempts of a run as processes of their own."""
    return Attempts(forks, tmp_path_factory.mktemp("attempts") / "log")


@pytest.fixture(scope="session")
def forks_without_torch() -> Iterator[Forks]:
    """Processes in which importing torch is an error."""
    imports = ["finetune.check", "finetune.__main__", *WARM_WITHOUT_TORCH]
    forks = Forks.of_a_new_process(imports, without="torch")
    yield forks
    forks.close()


@pytest.fixture
def without_torch(forks_without_torch: Forks, tmp_path: Path):
    """
    Runs the command where importing torch is an error: what is known before must not cost half a
    minute.
    """

    def run(variables: dict[str, str], command: Callable[[], int] = main) -> CompletedProcess[str]:
        output, errors = tmp_path / "output", tmp_path / "errors"
        output.write_text("")
        errors.write_text("")
        forks_without_torch.start([Asked(command, variables, str(output), str(errors))])
        (code,) = forks_without_torch.codes()
        return CompletedProcess("finetune", code, output.read_text(), errors.read_text())

    return run


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
