"""REPORT_TO: what it may name, and that the files of a run outlive its container."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import RUN_ID, environment, rows, write_jsonl

from finetune.__main__ import main
from finetune.data.source import Unreachable
from finetune.storage.folder import Folder
from finetune.training import trackers
from finetune.training.progress import Observer
from finetune.training.tracker_names import MODULES, tracker_names
from finetune.training.trackers import Trackers, fetch_runs

COUNTS = {"learning_rate": 1e-4, "tokens": 1000, "seconds": 10.0}


def settings(report_to: str, minutes: float = 5) -> Any:
    return SimpleNamespace(
        report_to=report_to,
        checkpoint_minutes=minutes,
        price_per_hour=None,
        run_id="0123456789ab",
        new_model="tiny-sql",
        hyperparameters=lambda: {"lora_r": 8, "lora_target_modules": ["q_proj"], "none": None},
    )


class Broken:
    """A tracker whose server went away."""

    def log(self, values: dict[str, float], step: int) -> None:
        raise ConnectionError("the server went away")

    def finish(self) -> None:
        raise AssertionError("it was dropped")


def test_the_names_are_those_of_accelerate() -> None:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    assert MODULES.keys() == set(LOGGER_TYPE_TO_CLASS)


@pytest.mark.parametrize(
    ("report_to", "names"),
    [
        ("none", []),
        ("tensorboard", ["tensorboard"]),
        (" TensorBoard, none,tensorboard", ["tensorboard"]),
    ],
)
def test_names_stand_with_commas_between(report_to: str, names: list[str]) -> None:
    assert tracker_names(report_to) == names


def test_fails_when_a_tracker_is_unknown_and_says_what_is_installed() -> None:
    with pytest.raises(ValueError, match="tensorbord is unknown; installed: .*tensorboard"):
        tracker_names("tensorbord")


def test_fails_when_a_tracker_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "finetune.training.tracker_names.find_spec", lambda module: module == "wandb" or None
    )
    with pytest.raises(ValueError, match="mlflow is not installed here; installed: wandb"):
        tracker_names("wandb,mlflow")


def test_event_files_hold_the_numbers_and_lie_beside_checkpoints_and_model(tmp_path: Path) -> None:
    checkpoint, version = Folder(tmp_path / "checkpoints"), tmp_path / "version"
    for attempt, step in (("first", 1), ("second", 2)):
        opened = Trackers(settings("tensorboard"), tmp_path / attempt, checkpoint)
        observer = Observer(settings("tensorboard"), opened)
        observer.step(step, 2, 1.5 / step, **COUNTS)
        observer.validation(step, 1.25)
        opened.finish()
    fetch_runs(checkpoint, version)
    assert scalars(version / "runs", "train/loss") == [(1, 1.5), (2, 0.75)]
    assert scalars(version / "runs", "validation/loss") == [(1, 1.25), (2, 1.25)]


def test_files_are_uploaded_while_training_goes_on(tmp_path: Path) -> None:
    checkpoint = Folder(tmp_path / "checkpoints")
    opened = Trackers(settings("tensorboard", minutes=0), tmp_path / "scratch", checkpoint)
    opened.log({"train/loss": 1.5}, 1)
    for step in range(2, 100):  # it is written in a thread of its own
        if scalars(tmp_path / "checkpoints" / "runs", "train/loss"):
            break
        time.sleep(0.1)
        opened.log({"train/other": 1.5}, step)
    assert scalars(tmp_path / "checkpoints" / "runs", "train/loss") == [(1, 1.5)]


def test_fails_when_files_cannot_be_uploaded_only_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoints").write_text("no folder")
    opened = Trackers(
        settings("tensorboard"), tmp_path / "scratch", Folder(tmp_path / "checkpoints")
    )
    opened.finish()
    assert "warning: runs/ could not be uploaded" in capsys.readouterr().err


def test_without_trackers_nothing_is_written(tmp_path: Path) -> None:
    opened = Trackers(settings("none"), tmp_path / "scratch", Folder(tmp_path / "checkpoints"))
    opened.log({"train/loss": 1.5}, 1)
    opened.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_fails_on_the_way_is_dropped_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trackers, "_started", lambda *_: Broken())
    opened = Trackers(settings("tensorboard"), tmp_path, Folder(tmp_path))
    for step in (1, 2):
        opened.log({"train/loss": 1.5}, step)
    opened.finish()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "warning: tensorboard failed and gets nothing more: the server went away"


def test_fails_when_a_tracker_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("no API key")

    monkeypatch.setattr(trackers, "_started", refuse)
    with pytest.raises(
        Unreachable, match="REPORT_TO=tensorboard could not be started: .*no API key"
    ):
        Trackers(settings("tensorboard"), tmp_path, Folder(tmp_path))


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """The points of a curve, as TensorBoard would read them from all event files of a folder."""
    from tensorboardX.proto.event_pb2 import Event

    points = []
    for file in sorted(folder.rglob("events.out.tfevents.*")):
        data, start = file.read_bytes(), 0
        while start < len(data):
            # A TFRecord: length, its checksum, the event, its checksum.
            length = int.from_bytes(data[start : start + 8], "little")
            event = Event.FromString(data[start + 12 : start + 12 + length])
            start += 12 + length + 4
            points += [
                (event.step, round(value.simple_value, 4))
                for value in event.summary.value
                if value.tag == tag
            ]
    return sorted(points)


def test_fails_when_the_job_names_an_unknown_tracker_before_torch_is_imported() -> None:
    code = (
        "import sys\n"
        "from finetune.settings import SettingsError, read_settings\n"
        "try: read_settings()\n"
        "except SettingsError as error: print(error)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment("/base", "/data", "/bucket"), "REPORT_TO": "tensorbord"},
        capture_output=True,
        text=True,
        check=True,
    )
    problem, torch = done.stdout.splitlines()
    assert problem.startswith("REPORT_TO: received 'tensorbord' (tensorbord is unknown; installed:")
    assert torch == "False"


def test_a_run_publishes_event_files_curve_and_report(
    bases: dict[str, Path], tmp_path: Path, set_environment: Any, capfd: Any
) -> None:
    data = write_jsonl(tmp_path / "data" / "train.jsonl", rows()).parent
    set_environment(environment(bases["llama"], data, tmp_path / "bucket", REPORT_TO="tensorboard"))
    assert main() == 0
    version = tmp_path / "bucket" / "tiny-sql" / RUN_ID
    steps = [step for step, _ in scalars(version / "runs", "train/loss")]
    assert steps == [1, 2]
    manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    published = {file["name"] for file in manifest["files"]}
    assert {"report.html", "loss_curve.png"} <= published
    assert any(name.startswith("runs/") for name in published)
    written = (version / "report.html").read_text("utf-8")
    assert "Question: Which" in written and "2 steps" in written
    assert "warning" not in capfd.readouterr().out
