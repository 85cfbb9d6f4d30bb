"""The README.md of a version: what the model is, where it comes from and what it scored."""

import json
import re
from collections.abc import Mapping
from typing import Any

from finetune.data.source import is_hub_id
from finetune.publishing.manifest import Lineage
from finetune.settings import Settings

Metrics = Mapping[str, Any]

_SCORES = {
    "execution_match": "returns what the expected query returns",
    "normalized_match": "equal but for the way it is written",
    "exact_match": "equal letter for letter, spaces aside",
    "token_f1": "words shared with the expected answer, F1",
    "held_out_loss": "nats per token of the expected answer (less is better)",
}


def model_card(settings: Settings, lineage: Lineage, metrics: Metrics) -> str:
    """
    Markdown with the front matter that the Hugging Face Hub reads
    (https://huggingface.co/docs/hub/model-cards).
    """
    parts = [
        _front_matter(settings, lineage),
        f"# {settings.new_model}",
        f"A fine-tuned `{settings.model_name}` ({lineage.base}). Its weights are base and adapter "
        "merged, in bfloat16; `adapter/` holds the adapter alone.",
        "## How to ask",
        *_prompt(settings),
        "## Data",
        f"`{settings.dataset_name}` ({lineage.dataset}), split `{settings.dataset_split}`. "
        f"{metrics.get('held_out_rows', 0)} rows were held out of training for the scores below.",
        "## Scores",
        _scores(metrics),
        "## Training",
        _training(settings, metrics),
        "## Licence",
        _licence(lineage),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(settings: Settings, lineage: Lineage) -> str:
    front = ["library_name: transformers", "pipeline_tag: text-generation"]
    if lineage.licence:
        # JSON is YAML: quoted where a plain word would be read as something else.
        plain = re.fullmatch(r"[A-Za-z][\w.-]*", lineage.licence)
        front.append(f"license: {lineage.licence if plain else json.dumps(lineage.licence)}")
    if is_hub_id(settings.model_name):
        front += [f"base_model: {settings.model_name}", "base_model_relation: finetune"]
    if is_hub_id(settings.dataset_name):
        front += ["datasets:", f"  - {settings.dataset_name}"]
    return "\n".join(["---", *front, "---"])


def _prompt(settings: Settings) -> list[str]:
    if settings.dataset_format == "messages":
        return ["With the chat template that comes with the tokenizer, decoded greedily."]
    return [
        "With this prompt, decoded greedily:",
        f"````text\n{settings.prompt_template}\n````",
        "It was trained to go on with:",
        f"````text\n{settings.completion_template}\n````",
    ]


def _scores(metrics: Metrics) -> str:
    base: Metrics = metrics.get("base") or {}
    columns: dict[str, Metrics] = {"this model": metrics, "base": base}
    if examples := base.get("with_examples"):
        columns[f"base, {examples.get('examples', '')} examples in the prompt"] = examples
    lines = [f"| | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    for name, meaning in _SCORES.items():
        shown = [_shown(values, name) for values in columns.values()]
        if any(cell != "–" for cell in shown):
            lines.append(f"| {name}: {meaning} | {' | '.join(shown)} |")
    if len(lines) == 2:
        return "None: no row was held out."
    scored = metrics.get("scored_rows", metrics.get("held_out_rows", 0))
    note = f"On {scored} held-out rows, in brackets the 95 % interval."
    return "\n".join([note, "", *lines])


def _shown(values: Metrics, name: str) -> str:
    value, ends = values.get(name), values.get(f"{name}_interval")
    if not isinstance(value, int | float):
        return "–"
    return f"{value:.4g}" + (f" ({ends[0]:.3g} to {ends[1]:.3g})" if ends else "")


def _training(settings: Settings, metrics: Metrics) -> str:
    kind = "DoRA" if settings.use_dora else "rsLoRA" if settings.use_rslora else "LoRA"
    modules = settings.lora_target_modules
    modules = modules if isinstance(modules, str) else ", ".join(modules)
    base = metrics.get("quantization") or "bf16"
    return (
        f"{kind} of rank {settings.lora_r} (alpha {settings.lora_alpha}) on {modules}, the base "
        f"held in {base}; {metrics.get('steps', '?')} steps of {settings.documents_per_step} rows, "
        f"learning rate {settings.learning_rate:g}. Run `{settings.run_id}`; `manifest.json` has "
        "every input, `metrics.json` every figure."
    )


def _licence(lineage: Lineage) -> str:
    named = f"`{lineage.licence}`" if lineage.licence else "not stated in its model card"
    return (
        f"That of the base: {named}. Its texts, where the base has them among its files, are "
        "beside this one; the terms of the data set may apply as well."
    )
