"""The README.md of a version: what the model is, where it comes from and what it scored."""

import json
from typing import Any

from finetune.data.source import is_hub_id
from finetune.publishing.manifest import Lineage
from finetune.settings import Settings


def model_card(settings: Settings, lineage: Lineage, metrics: dict[str, Any]) -> str:
    """
    Markdown with the front matter that the Hugging Face Hub reads
    (https://huggingface.co/docs/hub/model-cards).
    """
    front = ["library_name: transformers", "pipeline_tag: text-generation"]
    if lineage.licence:
        front.append(f"license: {lineage.licence}")
    if is_hub_id(settings.model_name):
        front += [f"base_model: {settings.model_name}", "base_model_relation: finetune"]
    if is_hub_id(settings.dataset_name):
        front += ["datasets:", f"  - {settings.dataset_name}"]
    base = metrics.get("base") or {}
    scores = [
        f"| {name} | {_shown(base.get(name))} | {_shown(metrics.get(name))} |"
        for name in ("held_out_loss", "exact_match", "execution_match")
    ]
    return "\n".join(
        [
            "---",
            *front,
            "---",
            "",
            f"# {settings.new_model}",
            "",
            f"Fine-tuned with LoRA from `{settings.model_name}` ({lineage.base}) on "
            f"`{settings.dataset_name}` ({lineage.dataset}); run `{settings.run_id}`.",
            "",
            f"Prompt, to be completed greedily: `{json.dumps(settings.prompt_template)}`",
            "",
            f"| on {metrics['held_out_rows']} held-out rows | base | this model |",
            "| --- | --- | --- |",
            *scores,
            "",
            "`manifest.json` has every input of the run, `adapter/` the LoRA weights alone.",
            "",
        ]
    )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
