"""The process that `python -m serve` turns into: vLLM's command line and environment."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from serve.cpu_build import name_as_vllm
from serve.routes import MANIFEST_VARIABLE
from serve.settings import Settings
from serve.version import Version


def vllm_command(settings: Settings, version: Version, *, on_cpu: bool) -> list[str]:
    """`vllm serve DIRECTORY ...`, started through this interpreter, whatever PATH holds.

    An argument that vLLM does not know ends it with "unrecognized arguments" and its name.
    """
    names = settings.served_model_name or [str(version.content.get("model", "model"))]
    return [
        *[sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", version.location],
        *["--served-model-name", *names],
        *["--host", settings.host, "--port", str(settings.port)],
        *["--dtype", settings.dtype, "--generation-config", settings.generation_config],
        *["--middleware", "serve.routes.Routes"],
        *(streaming(settings) if settings.load_format == "stream" else []),
        # Nothing to compile for on a CPU; compiling would only delay the start.
        *(["--enforce-eager"] if on_cpu and "--enforce-eager" not in settings.rest else []),
        *settings.rest,
    ]


def streaming(settings: Settings) -> list[str]:
    """The Run:ai streamer's arguments: https://docs.vllm.ai/en/v0.32.0/models/extensions/runai_model_streamer/

    vLLM hands the limit on as RUNAI_STREAMER_MEMORY_LIMIT, whose default of 40 GB ends a container
    of 32 GiB.
    """
    limit = {"memory_limit": int(settings.stream_memory_gib * 2**30)}
    return ["--load-format", "runai_streamer", "--model-loader-extra-config", json.dumps(limit)]


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
