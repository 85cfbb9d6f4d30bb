"""Which NVIDIA drivers are accepted, asked of a made-up NVML."""

import ctypes

import pytest

from serve.driver import installed_driver, suited
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


@pytest.mark.parametrize("setting", [WITH_LIBRARY, {}, {"VLLM_ENABLE_CUDA_COMPATIBILITY": "0"}])
@pytest.mark.parametrize("driver", ["535.216.03", "570.211.01"])
def test_an_old_driver_gets_the_compatibility_library(driver, setting):
    environment, how = suited(setting, driver)
    assert environment == WITH_LIBRARY
    assert how.startswith(f"CUDA 13.0, driver {driver} with the CUDA compatibility library")


@pytest.mark.parametrize("value", ["", "0", "1", "true", " TRUE "])
def test_a_new_driver_never_gets_it(value):
    setting = {"VLLM_ENABLE_CUDA_COMPATIBILITY": value, "HOME": "/"}
    environment, how = suited(setting, "580.95.05")
    assert environment == {"VLLM_ENABLE_CUDA_COMPATIBILITY": "0", "HOME": "/"}
    assert how.startswith("CUDA 13.0, driver 580.95.05")


@pytest.mark.parametrize(("driver", "library"), [("535.216.03", "1"), ("575.57.08", "0")])
def test_an_image_for_cuda_12_needs_it_on_fewer_drivers(driver, library):
    environment, how = suited({"TUNESERVE_CUDA": "12.9"}, driver)
    assert environment["VLLM_ENABLE_CUDA_COMPATIBILITY"] == library
    assert how.startswith(f"CUDA 12.9, driver {driver}")


def test_fails_when_the_driver_tells_no_version():
    with pytest.raises(StartupError, match="calls its version 'N/A': expected a number"):
        suited({}, "N/A")


def test_a_setting_that_the_driver_overrules_is_told():
    assert suited({}, "535.1")[1].endswith("(VLLM_ENABLE_CUDA_COMPATIBILITY said otherwise)")
    assert suited(WITH_LIBRARY, "580.1")[1].endswith("said otherwise)")
    assert "otherwise" not in suited(WITH_LIBRARY, "535.1")[1]
