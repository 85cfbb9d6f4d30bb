"""One training run, from the base and the rows to a staged version."""

import gc
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from finetune.data.dataset import load_examples
from finetune.data.encoding import Encoded, encode, fitting
from finetune.data.held_out import hold_out
from finetune.publishing.manifest import Lineage, write_manifest
from finetune.publishing.model_card import model_card
from finetune.publishing.version_directory import stage
from finetune.settings import Settings
from finetune.storage.storage import Storage
from finetune.training.base_model import fetch_base, licence, load_model, load_tokenizer
from finetune.verdict import BadInput, require_bar


def run(settings: Settings, checkpoint: Storage) -> None:
    """
    Trains, merges, scores and stages. Everything between lies in a temporary directory (memory, on
    Cloud Run).

    Raises:
        BadInput: base, data and settings cannot be trained on.
        BelowBar: the model is worse than the promotion asks for.
        Unreachable: base or data set is not there, or not for this token.
    """
    _quieten()
    with tempfile.TemporaryDirectory(prefix="finetune-") as directory:
        scratch = Path(directory)
        # The rows first: they are small, and most faults are in them.
        examples = load_examples(settings, scratch)
        training_rows, held_out = hold_out(examples.rows, settings.evaluation_rows)
        base = fetch_base(settings, scratch)
        tokenizer = load_tokenizer(base.path)
        rows = _encoded(training_rows, tokenizer, settings)
        _say(f"{len(rows)} rows to train on, {len(held_out)} held out")

        import torch

        from finetune.evaluation.evaluation import evaluate
        from finetune.publishing.merging import merge, save_version
        from finetune.training.fine_tuning import fine_tune

        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        nf4 = settings.base_precision == "nf4" and device.type == "cuda"
        if settings.base_precision == "nf4" and not nf4:
            _say("BASE_PRECISION=nf4 is ignored: there is no GPU, the base stays in bfloat16")
        model = load_model(base.path, device, nf4)
        training = fine_tune(model, tokenizer, rows, settings, base.resolved, scratch)
        del model
        _free(torch)

        model = load_model(base.path, device)
        # Without a GPU the untrained model's answers, which run on to the limit, would take longer
        # than the training.
        before = evaluate(model, tokenizer, held_out, settings, answers=device.type == "cuda")
        model = merge(model, scratch / "adapter")
        version = scratch / "version"
        save_version(model, base.path, scratch / "adapter", version)
        del model
        _free(torch)

        # The files as they will be served, not the model in memory.
        after = evaluate(load_model(version, device), tokenizer, held_out, settings)
        _free(torch)
        metrics = {
            "train_loss": round(training.loss, 4),
            "train_tokens_per_second": training.tokens_per_second,
            "train_seconds": training.seconds,
            "steps": training.steps,
            **after,
            "base": {
                name: before[name] for name in ("held_out_loss", "exact_match", "execution_match")
            }
            if held_out
            else None,
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            "quantization": "nf4" if nf4 else None,
        }
        _say(f"metrics {json.dumps(metrics)}")
        require_bar(metrics, settings)
        lineage = Lineage(base.resolved, examples.resolved, licence(base.path))
        (version / "metrics.json").write_text(
            json.dumps(metrics, indent=2, sort_keys=True) + "\n", "utf-8"
        )
        (version / "README.md").write_text(model_card(settings, lineage, metrics), "utf-8")
        write_manifest(version, settings, lineage, metrics)
        stage(version, checkpoint)


def _encoded(examples: list[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    encoded = encode(examples, tokenizer)
    rows = fitting(encoded, settings.max_seq_length)
    if len(rows) < len(encoded):
        _say(
            f"{len(encoded) - len(rows)} of {len(encoded)} rows are longer than MAX_SEQ_LENGTH "
            "and left out"
        )
    if not rows:
        raise BadInput(
            f"no row is left to train on: all are longer than "
            f"MAX_SEQ_LENGTH={settings.max_seq_length}"
        )
    return rows


def _quieten() -> None:
    """
    Progress bars rewrite their line, which a log shows as one long one; libraries' hints are not
    for operators.
    """
    import datasets
    import transformers
    from huggingface_hub.utils import disable_progress_bars

    datasets.disable_progress_bars()
    disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("trl").setLevel(logging.ERROR)


def _free(torch: Any) -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _say(line: str) -> None:
    print(line, flush=True)
