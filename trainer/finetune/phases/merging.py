"""Phase 3: the version's files in the staging area, the merged weights shard by shard."""

import json
from pathlib import Path
from typing import Any

from finetune.materials import Materials
from finetune.phases.attempts import MERGING
from finetune.phases.finished import EVALUATION, GOLDEN
from finetune.phases.task import Task, say
from finetune.publishing.manifest import Lineage
from finetune.publishing.model_card import model_card
from finetune.publishing.report import Run, write_report
from finetune.publishing.version_directory import stage
from finetune.publishing.version_files import write_version_files
from finetune.training.base_model import licence
from finetune.training.trackers import fetch_runs


def merge(
    task: Task,
    materials: Materials,
    scratch: Path,
    evaluation: dict[str, Any],
    promotion: dict[str, Any],
) -> None:
    """Leaves a complete staging area: its manifest is this phase's marker."""
    task.attempt.begin(MERGING)
    settings, base, version = task.settings, materials.base, scratch / "version"
    adapter, training = task.finished.fetch_adapter(scratch), task.finished.training()
    inputs = task.finished.trained_on() or {}
    lineage = Lineage(inputs["base"], inputs["dataset"], licence(base.path))
    metrics = {**evaluation["metrics"], "promotion": promotion}
    write_version_files(version, base.path, adapter, training["end_ids"], training["chat_template"])
    _write(version / "metrics.json", metrics)
    # What a later model that has to beat this one is compared with, row by row.
    _write(version / EVALUATION, evaluation)
    if golden := task.finished.golden():
        (version / GOLDEN).write_text(golden, "utf-8")
    (version / "README.md").write_text(model_card(settings, lineage, metrics), "utf-8")
    report = Run(settings, lineage, metrics, training, evaluation["rows"], training.get("data"))
    try:
        write_report(version, report)
    except Exception as error:  # a version without a report is worth more than no version
        say(f"warning: report.html could not be written: {type(error).__name__}: {error}")
    fetch_runs(task.area, version)
    stage(version, base.path, adapter, task.area, settings, lineage, metrics)


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", "utf-8")
