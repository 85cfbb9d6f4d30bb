"""
Ends of a run that a retry cannot change, and the note that keeps a retry from burning a GPU.

Cloud Run starts a task again after any non-zero exit code, so that a fault in the data would be
paid for several times (https://cloud.google.com/run/docs/configuring/max-retries). The note binds
while the trainer is the same, and below the bar only while the bar is not lowered.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from finetune.settings import Settings, SettingsError
from finetune.storage.location import storage_at
from finetune.storage.storage import Storage

VERDICT = "verdict.json"
PUBLISHED, BAD_INPUT, BELOW_BAR, INTERRUPTED = 0, 2, 3, 75


class BadInput(Exception):
    """
    Base, data or settings cannot be trained on as they are; the same attempt would end the same
    way. `variables` names environment variables that alone are at fault: once they are mended,
    under the same run id or another, the verdict no longer binds.
    """

    exit_code = BAD_INPUT

    def __init__(self, reason: str, variables: dict[str, str | None] | None = None) -> None:
        super().__init__(reason)
        self.variables = variables or {}


class BelowBar(Exception):
    """The model was trained, and is worse than the promotion asks for."""

    exit_code = BELOW_BAR

    def __init__(self, reason: str, value: float | None = None) -> None:
        super().__init__(reason)
        self.value = value


class Interrupted(SystemExit):
    """
    The platform asked the task to stop. Nothing was published; another attempt may start again.
    """

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


def require_bar(metrics: dict[str, Any], settings: Settings) -> None:
    """
    Raises BelowBar unless the metric that the promotion names is measured and at least its minimum.
    """
    value, minimum = metrics.get(settings.promotion_metric), settings.promotion_minimum
    if minimum is None or (value is not None and value >= minimum):
        return
    measured = "could not be measured" if value is None else f"is {value:.4f}"
    raise BelowBar(
        f"{settings.promotion_metric} {measured} on {metrics.get('held_out_rows', 0)} held-out "
        f"rows; the promotion asks for at least {minimum}",
        value,
    )


def record_verdict(checkpoint: Storage, settings: Settings, fault: BadInput | BelowBar) -> None:
    """Leaves the note in the checkpoint area."""
    below = isinstance(fault, BelowBar)
    _write(
        checkpoint,
        exit_code=fault.exit_code,
        reason=str(fault),
        run_id=settings.run_id,
        trainer=settings.trainer_source_hash,
        metric=settings.promotion_metric if below else None,
        value=fault.value if isinstance(fault, BelowBar) else None,
        minimum=settings.promotion_minimum if below else None,
        variables=fault.variables if isinstance(fault, BadInput) else {},
    )


def record_bad_settings(error: SettingsError, environment: Mapping[str, str]) -> None:
    """
    Leaves the note for an environment that is not valid, where that says whose and where. It names
    the faulty variables: some can be mended under the same run id, and a deploy then starts again.
    """
    names = ("CHECKPOINT_URI", "RUN_ID", "TRAINER_SOURCE_HASH")
    uri, run_id, trainer = (environment.get(name) for name in names)
    if not (uri and run_id and trainer) or error.variables.keys() & set(names):
        return
    _write(
        storage_at(uri, environment.get("PROJECT_ID")),
        exit_code=BAD_INPUT,
        reason=str(error),
        run_id=run_id,
        trainer=trainer,
        metric=None,
        value=None,
        minimum=None,
        variables=error.variables,
    )


def _write(checkpoint: Storage, **verdict: Any) -> None:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"format": 1, "created": created, **verdict}
    checkpoint.write(VERDICT, json.dumps(note, indent=2, sort_keys=True) + "\n")


def binding_verdict(checkpoint: Storage, settings: Settings) -> dict[str, Any] | None:
    """
    The note of an earlier attempt where it still holds, else None. A note that cannot be read does
    not bind.
    """
    try:
        verdict = json.loads(checkpoint.read(VERDICT) or "null")
    except json.JSONDecodeError:
        return None
    if not isinstance(verdict, dict) or verdict.get("trainer") != settings.trainer_source_hash:
        return None
    if verdict.get("exit_code") == BAD_INPUT:
        # Variables that were faulty then are not any more: these settings are valid.
        return None if verdict.get("variables") else verdict
    if verdict.get("exit_code") != BELOW_BAR or settings.promotion_minimum is None:
        return None
    if verdict.get("metric") != settings.promotion_metric:
        return None
    value = verdict.get("value")
    return verdict if value is None or value < settings.promotion_minimum else None
