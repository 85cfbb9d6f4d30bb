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

REJECTED = "_REJECTED"
PUBLISHED, FAILED, BAD_INPUT, BELOW_BAR, INTERRUPTED = 0, 1, 2, 3, 75


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


class AlreadyDecided(Exception):
    """An earlier attempt left a verdict that still holds. This one ends the same way."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class Interrupted(SystemExit):
    """The attempt was asked to stop, or is near its time limit. Another one goes on."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


def bar(settings: Settings) -> dict[str, Any]:
    """What the promotion asks for now."""
    return {
        "metric": settings.promotion_metric,
        "minimum": settings.promotion_minimum,
        "must_beat": settings.promotion_must_beat,
    }


def record_bad_input(area: Storage, settings: Settings, fault: BadInput) -> None:
    """Leaves the note for a run that cannot be trained."""
    _write(
        area,
        settings.run_id,
        settings.trainer_source_hash,
        BAD_INPUT,
        str(fault),
        variables=fault.variables,
    )


def record_rejection(
    area: Storage, settings: Settings, fault: BelowBar, metrics: dict[str, Any]
) -> None:
    """Leaves the note for a model below the bar, and says where its adapter is."""
    _write(
        area,
        settings.run_id,
        settings.trainer_source_hash,
        BELOW_BAR,
        str(fault),
        bar=bar(settings),
        metrics=metrics,
        adapter=f"{area.uri}/adapter",
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
    area = storage_at(uri, environment.get("PROJECT_ID"))
    _write(area, run_id, trainer, BAD_INPUT, str(error), variables=error.variables)


def _write(
    area: Storage, run_id: str, trainer: str, exit_code: int, reason: str, **more: Any
) -> None:
    note = {
        "format": 1,
        "exit_code": exit_code,
        "reason": reason,
        "run_id": run_id,
        "trainer": trainer,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }
    area.write(REJECTED, json.dumps(note, indent=2, sort_keys=True) + "\n")


def require_undecided(area: Storage, settings: Settings) -> None:
    """Raises AlreadyDecided where an earlier attempt left a verdict that still holds."""
    if verdict := binding_verdict(area, settings):
        raise AlreadyDecided(
            f"an earlier attempt decided: {verdict['reason']}. Change the settings, or delete "
            f"{area.uri}/{REJECTED} to try again with the same",
            verdict["exit_code"],
        )


def binding_verdict(area: Storage, settings: Settings) -> dict[str, Any] | None:
    """
    The note of an earlier attempt where it still holds, else None. A note that cannot be read does
    not bind.
    """
    try:
        verdict = json.loads(area.read(REJECTED) or "null")
    except ValueError:
        return None
    if not isinstance(verdict, dict) or verdict.get("trainer") != settings.trainer_source_hash:
        return None
    if verdict.get("exit_code") == BAD_INPUT:
        # Variables that were faulty then are not any more: these settings are valid.
        return None if verdict.get("variables") else verdict
    binds = verdict.get("exit_code") == BELOW_BAR and _falls_short(verdict, bar(settings))
    return verdict if binds else None


def _falls_short(verdict: dict[str, Any], asked: dict[str, Any]) -> bool:
    """
    Whether the model that fell short of one bar falls short of what is asked for now, going by the
    note alone. Where it does not say, the model is judged again.
    """
    if verdict.get("bar") == asked:
        return True
    metrics = verdict.get("metrics")
    if not isinstance(metrics, dict) or asked["minimum"] is None:
        return False
    value = metrics.get(asked["metric"])
    return value is None or value < asked["minimum"]
