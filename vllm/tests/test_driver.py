"""Which NVIDIA drivers are accepted, asked of a made-up NVML."""

import ctypes

import pytest

from serve.driver import check_driver, installed_driver
from serve.startup_error import StartupError

WITH_LIBRARY = {"VLLM_ENABLE_CUDA_COMPATIBILITY": "1"}


class Nvml:
    """Answers as libnvidia-ml.so.1 does: zero for success, the version written into a buffer."""

    def __init__(self, version: bytes = b"", start: int = 0, answer: int = 0) -> None:
        self._version, self._start, self._answer = version, start, answer

    def nvmlInit_v2(self) -> int:
        return self._start

    def nvmlSystemGetDriverVersion(self, buffer: ctypes.Array, length: int) -> int:
        assert len(self._version) < length
        buffer.value = self._version
        return self._answer

    def nvmlShutdown(self) -> int:
        return 0


def test_nvml_tells_the_driver_of_the_host(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Nvml(b"535.216.03"))
    assert installed_driver() == "535.216.03"


def test_fails_when_there_is_no_driver(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(StartupError, match=r"no NVIDIA driver: expected libnvidia-ml.so.1"):
        installed_driver()


@pytest.mark.parametrize("nvml", [Nvml(start=9), Nvml(answer=999)])
def test_fails_when_the_driver_does_not_answer(monkeypatch, nvml):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: nvml)
    with pytest.raises(StartupError, match=r"returned 9"):
        installed_driver()


def test_an_old_driver_is_accepted_with_the_compatibility_library():
    words = check_driver("535.216.03", WITH_LIBRARY)
    assert words == "driver 535.216.03 with the CUDA compatibility library"


@pytest.mark.parametrize("environment", [{}, {"VLLM_ENABLE_CUDA_COMPATIBILITY": "0"}])
def test_a_new_driver_is_accepted_without_it(environment):
    assert check_driver("580.95.05", environment) == "driver 580.95.05"


@pytest.mark.parametrize("driver", ["535.216.03", "570.211.01"])
def test_fails_when_an_old_driver_runs_without_the_compatibility_library(driver):
    with pytest.raises(StartupError) as caught:
        check_driver(driver, {})
    assert f"NVIDIA driver {driver} is older than 580" in str(caught.value)
    assert "set VLLM_ENABLE_CUDA_COMPATIBILITY=1" in str(caught.value)


@pytest.mark.parametrize("value", ["1", "true", " TRUE "])
def test_fails_when_a_new_driver_gets_the_compatibility_library(value):
    with pytest.raises(StartupError, match=r"remove VLLM_ENABLE_CUDA_COMPATIBILITY"):
        check_driver("580.95.05", {"VLLM_ENABLE_CUDA_COMPATIBILITY": value})
