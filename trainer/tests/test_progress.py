"""What a person and a query see of training."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from finetune.training.progress import Observer, duration, process_seconds

COUNTS = {"learning_rate": 1e-4, "tokens": 1000, "seconds": 10.0}


def observer(**changes: Any) -> Observer:
    return Observer(SimpleNamespace(**{"price_per_hour": None, **changes}))


def entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    printed = capsys.readouterr().out.splitlines()
    return [json.loads(line, parse_constant=refuse) for line in printed]


def test_a_step_is_one_line_of_json_that_reads_well_alone(capsys) -> None:
    observed = observer()
    observed.step(10, 500, 1.23456789, 1.9e-4, tokens=12_340, seconds=10.0)
    (entry,) = entries(capsys)
    assert list(entry)[0] == "message"
    assert entry == {
        "message": "step 10 of 500, loss 1.2346, 1,234 tokens/s, 8 min 10 s left",
        "severity": "INFO",
        "step": 10,
        "steps": 500,
        "loss": 1.234568,
        "tokens_per_second": 1234.0,
        "learning_rate": 1.9e-4,
        "gpu_memory_gib": None,
        "seconds_left": 490.0,
        "dollars": None,
    }


def test_speed_and_time_left_are_of_the_steps_since_the_last_line(capsys) -> None:
    observed = observer()
    # Compilation makes the first step slow, which says nothing about the others.
    observed.step(1, 30, 2.0, 1e-4, tokens=100, seconds=60.0)
    observed.step(10, 30, 1.0, 1e-4, tokens=1000, seconds=69.0)
    second = entries(capsys)[1]
    assert (second["tokens_per_second"], second["seconds_left"]) == (100.0, 20.0)


def test_a_resumed_run_takes_the_time_of_all_attempts_for_the_steps_of_all(capsys) -> None:
    observed = observer()  # of the second attempt, which began at step 42
    observed.step(50, 100, 1.4, 1e-4, tokens=5000, seconds=500.0)
    observed.step(55, 100, 1.4, 1e-4, tokens=5500, seconds=525.0)
    first, second = entries(capsys)
    assert (first["tokens_per_second"], first["seconds_left"]) == (10.0, 500.0)
    assert (second["tokens_per_second"], second["seconds_left"]) == (20.0, 225.0)


def test_dollars_count_from_the_start_of_the_process(capsys) -> None:
    observed = observer(price_per_hour=3600.0)
    before = process_seconds()
    observed.step(1, 1, 1.0, **COUNTS)
    (entry,) = entries(capsys)
    # Rounding moves them by more than the time that lies between.
    assert round(before, 4) <= entry["dollars"] <= round(process_seconds(), 4)
    assert f", ${entry['dollars']:.2f} so far" in entry["message"]


def test_a_process_counts_the_time_that_its_imports_took() -> None:
    code = (
        "import time; time.sleep(0.3)\n"
        "from finetune.training.progress import process_seconds\n"
        "print(process_seconds())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.3 <= float(done.stdout) < 30


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_is_an_error_in_valid_json(capsys, loss: float) -> None:
    observed = observer()
    observed.step(5, 10, loss, **COUNTS)
    observed.validation(5, loss)
    for entry, name in zip(entries(capsys), ("loss", "validation_loss"), strict=True):
        assert entry["severity"] == "ERROR"
        assert entry[name] is None
        assert f"loss {loss}" in entry["message"]


def test_another_rank_than_0_says_nothing(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    observer().step(1, 1, 1.0, **COUNTS)
    assert capsys.readouterr().out == ""


def test_trackers_get_every_number_that_is_known() -> None:
    seen = []
    tracker = SimpleNamespace(log=lambda values, step: seen.append((step, values)))
    observed = Observer(SimpleNamespace(price_per_hour=None), tracker)
    observed.step(1, 2, float("nan"), **COUNTS)
    observed.validation(1, 0.5)
    assert seen[0] == (
        1,
        {
            "train/tokens_per_second": 100.0,
            "train/learning_rate": 1e-4,
            "train/seconds_left": 10.0,
        },
    )
    assert seen[1] == (1, {"validation/loss": 0.5})


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_a_duration_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
