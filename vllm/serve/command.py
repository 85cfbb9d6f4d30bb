"""The process that `python -m serve` turns into: vLLM's command line and environment."""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serve.cpu_build import name_as_vllm
from serve.routes import MANIFEST_VARIABLE
from serve.version_directory import Version


@dataclass(frozen=True)
class Settings:
    """What the start-up script reads itself; `rest` goes to `vllm serve` as it came."""

    model: Path
    host: str
    port: int
    dtype: str
    generation_config: str
    served_model_name: Sequence[str]
    verify: str
    rest: Sequence[str]


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Reads the container's arguments; argparse ends the process with code 2 where one is wrong."""
    # No abbreviations: --max would otherwise be taken from vLLM's own --max-model-len.
    parser = argparse.ArgumentParser(prog="python3 -m serve", allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True, help="version directory to serve")
    parser.add_argument("--host", default="0.0.0.0")
    # Cloud Run tells the port in PORT: https://cloud.google.com/run/docs/container-contract
    parser.add_argument("--port", type=int, default=environment.get("PORT") or 8000)
    # The trainer saves bf16, and vLLM refuses fp16 for Gemma 2 and 3.
    parser.add_argument("--dtype", default="bfloat16")
    # "vllm" keeps the sampling defaults of the checkpoint's generation_config.json out.
    parser.add_argument("--generation-config", default="vllm")
    named = environment.get("MODEL_ID")
    parser.add_argument("--served-model-name", nargs="+", default=[named] if named else [])
    parser.add_argument(
        "--verify",
        choices=["small", "all"],
        default="small",
        help="files whose crc32c is compared; sizes always are",
    )
    known, rest = parser.parse_known_args(arguments)
    return Settings(**vars(known), rest=rest)


def vllm_command(settings: Settings, version: Version, *, on_cpu: bool) -> list[str]:
    """`vllm serve DIRECTORY ...`, started through this interpreter, whatever PATH holds."""
    names = settings.served_model_name or [version.manifest.get("model", "model")]
    return [
        *[sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(version.directory)],
        *["--served-model-name", *names],
        *["--host", settings.host, "--port", str(settings.port)],
        *["--dtype", settings.dtype, "--generation-config", settings.generation_config],
        *["--middleware", "serve.routes.Routes"],
        # Nothing to compile for on a CPU; compiling would only delay the start.
        *(["--enforce-eager"] if on_cpu else []),
        *settings.rest,
    ]


def vllm_environment(
    environment: Mapping[str, str], version: Version, *, cpu_version: str | None
) -> dict[str, str]:
    """That process's environment: where it finds the routes, and where they find the manifest."""
    changed = {**environment, MANIFEST_VARIABLE: str(version.manifest_path)}
    # A private service reports nothing: https://docs.vllm.ai/en/latest/usage/usage_stats/
    changed.setdefault("VLLM_NO_USAGE_STATS", "1")
    path = [str(Path(__file__).parent.parent)]
    if cpu_version:
        path.append(str(name_as_vllm(cpu_version)))
        # Without it vLLM reserves --gpu-memory-utilization of the whole machine's memory.
        changed.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    changed["PYTHONPATH"] = os.pathsep.join([*path, *filter(None, [environment.get("PYTHONPATH")])])
    # vLLM's, Triton's and torch's caches lie below HOME, which a platform may point elsewhere.
    if not os.access(environment.get("HOME", "/"), os.W_OK):
        changed["HOME"] = tempfile.gettempdir()
    return changed
