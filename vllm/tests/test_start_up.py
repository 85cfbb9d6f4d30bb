"""What the process turns into, and what it says when it doesn't."""

import os
import sys
import tempfile
from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from serve import __main__ as start_up
from serve import background, read_ahead
from serve.startup_error import StartupError

PACKAGE_PARENT = str(Path(start_up.__file__).parent.parent)
ENVIRONMENT = {"HOME": "/tmp", "MODEL_ID": "sql", "HF_HUB_OFFLINE": "1"}


class Execution(Exception):
    """Stands for the moment at which vLLM takes the process over."""

    def __init__(self, file: str, command: list[str], environment: dict[str, str]) -> None:
        super().__init__(file)
        self.file, self.command, self.environment = file, command, environment


@pytest.fixture
def start(monkeypatch, version_directory, tmp_path):
    """Runs the start-up script on the version directory, up to the exec."""

    def run(*arguments: str, driver: str | None = None, **environment: str) -> Execution:
        given = [f"--model={version_directory}", *arguments]
        monkeypatch.setattr(sys, "argv", ["serve", *given])
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(os, "environ", {**ENVIRONMENT, **environment})
        monkeypatch.setattr(os, "execvpe", lambda *call: (_ for _ in ()).throw(Execution(*call)))
        if driver:
            monkeypatch.setattr(start_up, "cpu_build", lambda: None)
            monkeypatch.setattr(start_up, "installed_driver", lambda: driver)
            monkeypatch.setattr(start_up, "accelerator_build", lambda: "0.32.0")
        with pytest.raises(Execution) as caught:
            start_up.main()
        return caught.value

    return run


def test_on_an_accelerator_it_becomes_vllm_with_the_containers_arguments(start, version_directory):
    execution = start(
        "--tensor-parallel-size=1",
        "--served-model-name=gemma-2b-sql",
        "--max-model-len=2048",
        "--max-num-seqs=64",
        "--gpu-memory-utilization=0.9",
        "--port=8000",
        driver="580.95.05",
    )
    assert execution.file == sys.executable
    assert execution.command == [
        *[sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(version_directory)],
        *["--served-model-name", "gemma-2b-sql", "--host", "0.0.0.0", "--port", "8000"],
        *["--dtype", "bfloat16", "--generation-config", "vllm"],
        *["--middleware", "serve.routes.Routes"],
        *["--tensor-parallel-size=1", "--max-model-len=2048", "--max-num-seqs=64"],
        "--gpu-memory-utilization=0.9",
    ]
    assert execution.environment == {
        **ENVIRONMENT,
        "TUNESERVE_MANIFEST": str(version_directory / "manifest.json"),
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_ENABLE_CUDA_COMPATIBILITY": "0",
        "PYTHONPATH": PACKAGE_PARENT,
    }


def test_the_port_and_the_models_name_come_from_the_environment_where_no_argument_says(start):
    command = " ".join(start(PORT="9090", driver="580.95.05").command)
    assert "--served-model-name sql --host 0.0.0.0 --port 9090" in command


def test_the_models_name_comes_from_the_manifest_where_nothing_says(start):
    assert "--served-model-name tiny --host" in " ".join(start(MODEL_ID="").command)


def test_arguments_may_be_separate_words_and_replace_the_defaults(start):
    command = start(
        *["--port", "81", "--dtype", "float16", "--generation-config", "auto", "--seed", "7"],
        driver="580.95.05",
    ).command
    assert command[command.index("--port") + 1] == "81"
    assert command[-6:] == [
        *["--generation-config", "auto", "--middleware", "serve.routes.Routes", "--seed", "7"]
    ]
    assert command.count("--dtype") == 1 and "float16" in command


def test_an_abbreviation_is_left_to_vllm(start):
    assert start("--mod=x", driver="580.95.05").command[-1] == "--mod=x"


def test_on_a_cpu_it_adds_what_a_cpu_needs(start, monkeypatch):
    monkeypatch.setattr(start_up, "cpu_build", lambda: "0.32.0")
    execution = start(PYTHONPATH="/elsewhere")
    assert "--enforce-eager" in execution.command
    assert execution.environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    package, named, kept = execution.environment["PYTHONPATH"].split(os.pathsep)
    assert (package, kept) == (PACKAGE_PARENT, "/elsewhere")
    found = [(one.name, one.version) for one in distributions(path=[named])]
    assert found == [("vllm", "0.32.0+cpu")]


def test_a_cache_size_that_is_set_stays(start, monkeypatch):
    monkeypatch.setattr(start_up, "cpu_build", lambda: "0.32.0")
    environment = start(VLLM_CPU_KVCACHE_SPACE="4").environment
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "4"


def test_a_home_that_cannot_be_written_is_replaced(start):
    assert start(HOME="/nowhere", driver="580.95.05").environment["HOME"] != "/nowhere"


def test_every_phase_is_one_line(start, version_directory, capsys):
    start(driver="535.216.03", VLLM_ENABLE_CUDA_COMPATIBILITY="1")
    driver, verified, starting = capsys.readouterr().out.splitlines()
    assert driver == (
        "serve: vLLM 0.32.0, CUDA 13.0, driver 535.216.03 with the CUDA compatibility library"
    )
    assert verified.startswith(
        "serve: version '0123456789ab': 3 files, 0.00 GB, sizes match, 3 of 3"
    )
    assert starting.startswith(f"serve: starting vLLM on 0.0.0.0:8000: serve {version_directory}")


def refused(capsys) -> str:
    with pytest.raises(SystemExit) as caught:
        start_up.main()
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_fails_when_the_version_is_damaged(monkeypatch, version_directory, capsys):
    monkeypatch.setattr(start_up, "cpu_build", lambda: "0.32.0")
    monkeypatch.setattr(sys, "argv", ["serve", f"--model={version_directory}"])
    (version_directory / "model.safetensors").unlink()
    line = refused(capsys)
    assert line.startswith(f"serve: refused: {version_directory}/model.safetensors: expected 1000")


def test_fails_when_an_accelerator_build_finds_no_driver(monkeypatch, version_directory, capsys):
    def missing() -> str:
        raise StartupError("no NVIDIA driver")

    monkeypatch.setattr(start_up, "cpu_build", lambda: None)
    monkeypatch.setattr(start_up, "accelerator_build", lambda: "0.32.0")
    monkeypatch.setattr(start_up, "installed_driver", missing)
    monkeypatch.setattr(sys, "argv", ["serve", f"--model={version_directory}"])
    assert refused(capsys) == "serve: refused: no NVIDIA driver"


def test_fails_when_vllm_is_not_installed(monkeypatch, version_directory, capsys):
    monkeypatch.setattr(start_up, "cpu_build", lambda: None)
    monkeypatch.setattr(start_up, "distribution_version", lambda name: version(f"no-{name}"))
    monkeypatch.setattr(sys, "argv", ["serve", f"--model={version_directory}"])
    assert "vLLM is not installed" in refused(capsys)


def test_fails_when_no_model_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["serve"])
    with pytest.raises(SystemExit):
        start_up.main()
    assert "the following arguments are required: --model" in capsys.readouterr().err


def test_weights_are_streamed_within_the_memory_that_the_settings_give(start, monkeypatch):
    monkeypatch.setattr(start_up, "find_spec", lambda name: name)
    command = start("--load-format=stream", "--stream-memory-gib=1.5", driver="535.1").command
    assert command[command.index("--load-format") :][:4] == [
        *["--load-format", "runai_streamer"],
        *["--model-loader-extra-config", '{"memory_limit": 1610612736}'],
    ]


def test_large_weights_are_read_ahead_of_vllm(start, version_directory, monkeypatch):
    started = []
    monkeypatch.setattr(background, "start", lambda *call, environment: started.append(call))
    start(driver="535.1")
    assert started == []
    monkeypatch.setattr(read_ahead, "SMALLEST", 1000)
    start(driver="535.1")
    assert started == [("serve.read_ahead", f"{version_directory}/model.safetensors")]
    start("--verify=all", driver="535.1")  # which has just read them
    monkeypatch.setattr(read_ahead, "available_memory", lambda: 1999)
    start(driver="535.1")
    assert len(started) == 1


def test_fails_when_the_streamer_is_not_installed(monkeypatch, version_directory, capsys):
    monkeypatch.setattr(start_up, "cpu_build", lambda: "0.32.0")
    monkeypatch.setattr(start_up, "find_spec", lambda name: None)
    arguments = [f"--model={version_directory}", "--load-format=stream"]
    monkeypatch.setattr(sys, "argv", ["serve", *arguments])
    assert "--load-format=stream needs runai_model_streamer, which is not" in refused(capsys)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--load-format=fuse", "invalid choice: 'fuse'"),
        ("--verify=small", "invalid choice: 'small'"),
        ("--stream-memory-gib=0", "--stream-memory-gib=0.0: expected more than 0"),
        ("--stream-memory-gib=lots", "invalid float value: 'lots'"),
        ("--compile-cache=/cache", "--compile-cache=/cache: expected gs://BUCKET/PREFIX"),
        ("--model=gs://models/m/1", "can be read with --load-format=stream alone"),
    ],
)
def test_fails_when_an_argument_is_wrong(monkeypatch, capsys, argument, message):
    monkeypatch.setattr(sys, "argv", ["serve", "--model=/models/m/1", argument])
    with pytest.raises(SystemExit) as caught:
        start_up.main()
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
