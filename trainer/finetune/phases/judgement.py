"""Between evaluation and merging: whether the model is good enough for what is asked for now."""

from pathlib import Path
from typing import Any

from finetune.evaluation.incumbent import incumbent_for, rescore_incumbent
from finetune.evaluation.promotion import judge as hold_against_the_bar
from finetune.evaluation.result import Evaluation
from finetune.materials import Materials
from finetune.phases.task import Task, release_memory
from finetune.verdict import BelowBar, record_rejection


def judge(
    task: Task, evaluation: dict[str, Any], materials: Materials, scratch: Path
) -> dict[str, Any]:
    """
    Holds evaluation.json against the promotion's bar, and returns what metrics.json says of it.

    Only a published version that was judged on other rows has to be loaded for this.

    Raises:
        BelowBar: it is not good enough; the verdict is recorded.
    """
    base = evaluation.get("base")

    def rescore(location: str) -> Evaluation:
        from finetune.training import processes

        release_memory()  # of the evaluation
        held_out = materials.split.held_out
        return rescore_incumbent(location, held_out, task.settings, scratch, processes.device())

    this = Evaluation.from_json(evaluation)
    incumbent = incumbent_for(task.settings, this, base and Evaluation.from_json(base), rescore)
    try:
        return hold_against_the_bar(this, task.settings, incumbent)
    except BelowBar as fault:
        record_rejection(task.area, task.settings, fault, evaluation["metrics"])
        raise
