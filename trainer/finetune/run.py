"""
One run as a sequence of phases: trained, evaluated, merged, published.

Each leaves its files and a marker in CHECKPOINT_URI, and none is repeated: whatever ends an
attempt, the next one goes on at the first phase without a marker. What needs no torch, which takes
half a minute to import, comes first.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from finetune.materials import Materials
from finetune.phases.attempts import PUBLISHING
from finetune.phases.judgement import judge
from finetune.phases.task import Task, say
from finetune.preflight import check
from finetune.publishing.version_directory import (
    BrokenVersion,
    is_published,
    publish,
    staged_manifest,
)
from finetune.storage.location import storage_at
from finetune.training.checkpoints import Checkpoints
from finetune.training.inputs import differences, inputs_in_settings
from finetune.verdict import (
    REJECTED,
    require_undecided,
)


def run(task: Task) -> None:
    """
    Goes on where the attempts before have come to, until the version is published.

    Raises:
        BadInput: base, data and settings cannot be trained on.
        BelowBar: the model is worse than the promotion asks for; the verdict is recorded.
        AlreadyDecided: an earlier attempt ended with one of the two, which still holds.
        Interrupted: the attempt has to stop, and what it has come to is kept.
        NoProgress, Unreachable, BrokenVersion, AlreadyThere, OSError: another attempt may succeed.
    """
    settings, area = task.settings, task.area
    output = storage_at(settings.output_uri, settings.project_id)
    if is_published(output):
        return say(f"{settings.output_uri} is published already: nothing to do")
    require_undecided(area, settings)
    with tempfile.TemporaryDirectory(prefix="finetune-") as directory:
        manifest = _made_version(task, Path(directory))
    task.attempt.begin(PUBLISHING)
    publish(area, output, manifest)
    area.delete([REJECTED])  # of a bar that was higher
    say(f"published {settings.output_uri}")


def _made_version(task: Task, scratch: Path) -> dict[str, Any]:
    """The manifest of a complete staging area, from whatever there is of a version."""
    settings, area, finished = task.settings, task.area, task.finished
    materials = Materials(settings, scratch, finished.trained_on())
    if manifest := staged_manifest(area, settings):
        say("an earlier attempt finished this version: publishing it without training")
        judge(task, finished.evaluation() or _evaluation_in(manifest), materials, scratch)
        return manifest
    evaluation = finished.evaluation() if _is_trained(task) else None
    promotion = None
    if evaluation:
        say("an earlier attempt trained and evaluated this version: judging it again")
        promotion = judge(task, evaluation, materials, scratch)
    task.deadline.require_time()
    check(settings, area, scratch)
    _quieten()
    if not _is_trained(task, materials, with_rows=evaluation is None):
        evaluation, materials = None, Materials(settings, scratch)
        count = len(materials.rows.rows)  # first of all, before the base is fetched
        say(f"{count} rows in {settings.dataset_name}")
        say(
            f"{len(materials.documents)} rows to train on, {len(materials.validation)} to choose "
            f"the checkpoint by, {len(materials.split.held_out)} held out"
        )

        from finetune.phases.training import train

        train(task, materials, scratch)
    Checkpoints(area, {}).remove()  # whoever trains no more needs none
    if evaluation is None:
        from finetune.phases.evaluation import evaluate

        evaluation = evaluate(task, materials, scratch)
        promotion = judge(task, evaluation, materials, scratch)

    from finetune.phases.merging import merge

    merge(task, materials, scratch, evaluation, promotion or {})
    if manifest := staged_manifest(area, settings):
        return manifest
    raise BrokenVersion(f"{area.uri}/staging does not hold what was just written to it")


def _is_trained(task: Task, materials: Materials | None = None, with_rows: bool = False) -> bool:
    """
    Whether there is a finished adapter of the present inputs: by the settings alone, or also by the
    state of base and rows. One of other inputs is given up.
    """
    trained_on = task.finished.trained_on()
    if trained_on is None:
        return False
    now = inputs_in_settings(task.settings)
    if materials:
        now["base"] = materials.base.resolved
    if materials and with_rows:
        now["dataset"] = materials.examples.resolved
    changed = differences({name: trained_on.get(name) for name in now}, now)
    if changed:
        task.finished.forget()
        say(
            f"the adapter in {task.area.uri} is refused, since its inputs differ: "
            f"{'; '.join(changed)}. Training starts at the beginning"
        )
    return not changed


def _evaluation_in(manifest: dict[str, Any]) -> dict[str, Any]:
    """Of a staged version whose evaluation.json is lost: what its manifest says of it."""
    return {"metrics": manifest["metrics"], "rows": []}


def _quieten() -> None:
    """
    Progress bars rewrite their line, which a log shows as one long one; libraries' hints are not
    for operators.
    """
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging

    # Read when it is imported, which takes seconds and which only data from the Hub needs.
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    disable_progress_bars()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
