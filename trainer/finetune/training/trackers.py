"""
Experiment trackers (REPORT_TO), by accelerate's classes
(https://huggingface.co/docs/accelerate/usage_guides/tracking). What they write to files lies below
`runs/`: at checkpoints beside the checkpoints, at the end beside the model.
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.source import Unreachable
from finetune.training.tracker_names import tracker_names

if TYPE_CHECKING:
    from finetune.settings import Settings
    from finetune.storage.storage import Storage

RUNS = "runs"


class Trackers:
    """
    Those that REPORT_TO names. Open it on rank 0 alone, after `torch.distributed`.

    A tracker that cannot start ends the run before it has cost anything; one that fails later is
    dropped with a warning, for it is not worth a training.
    """

    def __init__(self, settings: "Settings", scratch: Path, checkpoint: "Storage") -> None:
        """
        Args:
            scratch: local directory that gets `runs/`.
            checkpoint: where `runs/` is uploaded to every CHECKPOINT_MINUTES.

        Raises:
            Unreachable: a tracker could not be started: its server does not answer, no key, ...
        """
        self._scratch, self._checkpoint = scratch, checkpoint
        self._every = 60 * settings.checkpoint_minutes
        self._saved_at, self._saved = time.monotonic(), dict[str, int]()
        self._trackers: dict[str, Any] = {}
        for name in tracker_names(settings.report_to):
            try:
                self._trackers[name] = _started(name, settings, scratch / RUNS)
            except Exception as error:  # each of them has errors of its own
                reason = " ".join(str(error).split()) or type(error).__name__
                raise Unreachable(f"REPORT_TO={name} could not be started: {reason}") from error

    def log(self, values: dict[str, float], step: int) -> None:
        """Hands numbers to every tracker, and uploads its files when it is time."""
        self._each("log", values, step=step)
        if self._trackers and time.monotonic() - self._saved_at >= self._every:
            self.save()

    def finish(self) -> None:
        """Ends every tracker and uploads the rest."""
        self._each("finish")
        self.save()

    def save(self) -> None:
        """
        Uploads the files that have grown since the last time. tensorboardX writes in a thread of
        its own: the newest numbers may wait for the next time.
        """
        sizes = {
            path.relative_to(self._scratch).as_posix(): path.stat().st_size
            for path in sorted((self._scratch / RUNS).rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        changed = [name for name, size in sizes.items() if self._saved.get(name) != size]
        self._saved_at = time.monotonic()
        try:
            if changed:
                self._checkpoint.upload(self._scratch, changed)
                self._saved = sizes
        except OSError as error:
            _warn(f"{RUNS}/ could not be uploaded, the next time it is tried again: {error}")

    def _each(self, method: str, *arguments: Any, **options: Any) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                getattr(tracker, method)(*arguments, **options)
            except Exception as error:
                del self._trackers[name]
                _warn(f"{name} failed and gets nothing more: {error}")


def fetch_runs(checkpoint: "Storage", version: Path) -> None:
    """Copies `runs/` of all attempts from beside the checkpoints into a version's directory."""
    names = [name for name in checkpoint.files() if name.startswith(f"{RUNS}/")]
    if names:
        checkpoint.download(names, version)


def _started(name: str, settings: "Settings", runs: Path) -> Any:
    from accelerate import PartialState
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    PartialState()  # without it accelerate's own log lines raise
    runs.mkdir(parents=True, exist_ok=True)
    kind = LOGGER_TYPE_TO_CLASS[name]
    options: dict[str, Any] = {
        # Its name has the second and the host alone, which two attempts may share.
        "tensorboard": {"filename_suffix": f".{time.time_ns()}"},
        # A later attempt goes on with the same run.
        "wandb": {"name": settings.run_id, "id": settings.run_id, "resume": "allow", "dir": runs},
        "mlflow": {"run_name": settings.run_id},
    }.get(name, {})
    if kind.requires_logging_directory:
        options["logging_dir"] = runs
    tracker = kind(settings.new_model, **options)
    tracker.main_process_only = False  # there is one process here, whatever PartialState counts
    tracker.start()
    tracker.store_init_configuration(
        {
            key: value if isinstance(value, str | int | float) else json.dumps(value)
            for key, value in settings.hyperparameters().items()
        }
    )
    return tracker


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr, flush=True)
