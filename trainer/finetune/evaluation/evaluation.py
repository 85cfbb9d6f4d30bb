"""Scores a model on the held-out rows as it will be served: greedy answers to the bare prompt."""

from typing import Any

import torch
from transformers import PreTrainedModel

from finetune.data.dataset import Example
from finetune.data.encoding import IGNORED, encode
from finetune.evaluation.execution_match import execution_match
from finetune.settings import Settings

# Room for an answer beside the longest expected one, and the most that is ever generated.
SLACK, LONGEST = 32, 512


def evaluate(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: list[Example],
    settings: Settings,
    answers: bool = True,
) -> dict[str, Any]:
    """
    The metrics of `metrics.json` for one model: held_out_rows, held_out_loss (nats per token of the
    completion), exact_match and execution_match (shares from 0 to 1, or None where nothing could be
    measured).

    With `answers` false nothing is generated and both matches are None.
    """
    metrics: dict[str, Any] = {"held_out_rows": len(examples)}
    metrics |= dict.fromkeys(("held_out_loss", "exact_match", "execution_match"))
    if not examples:
        return metrics
    model.eval()
    metrics["held_out_loss"] = round(_loss(model, tokenizer, examples, settings.eval_batch_size), 4)
    if answers:
        given = generate(model, tokenizer, examples, settings.eval_batch_size)
        metrics |= score(examples, given)
    return metrics


def score(examples: list[Example], given: list[str]) -> dict[str, Any]:
    """Shares of right answers, and how many rows could be executed at all."""
    exact = [
        _plain(answer) == _plain(row.completion)
        for row, answer in zip(examples, given, strict=True)
    ]
    results = [
        execution_match(row.context, row.completion, answer)
        if "create table" in row.context.lower()
        else None
        for row, answer in zip(examples, given, strict=True)
    ]
    executed = [result for result in results if result is not None]
    return {
        "exact_match": round(sum(exact) / len(exact), 4),
        "execution_match": round(sum(executed) / len(executed), 4) if executed else None,
        # The other rows' expected query fails in SQLite, or finds nothing in any made-up table.
        "executed_rows": len(executed),
    }


@torch.no_grad()
def generate(
    model: PreTrainedModel, tokenizer: Any, examples: list[Example], batch_size: int
) -> list[str]:
    """Greedy completions, in the order of the examples."""
    longest = max(len(tokenizer(row.completion)["input_ids"]) for row in examples)
    # Prompts of similar length together: less padding.
    order = sorted(range(len(examples)), key=lambda number: len(examples[number].prompt))
    answers: dict[int, str] = {}
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        prompts = [examples[number].prompt for number in batch]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left").to(
            model.device
        )
        inputs.pop("token_type_ids", None)
        outputs = model.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            max_new_tokens=min(longest + SLACK, LONGEST),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        new = outputs[:, inputs["input_ids"].shape[1] :]
        for number, answer in zip(
            batch, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True
        ):
            answers[number] = answer
    return [answers[number] for number in range(len(examples))]


@torch.no_grad()
def _loss(
    model: PreTrainedModel, tokenizer: Any, examples: list[Example], batch_size: int
) -> float:
    rows = sorted(encode(examples, tokenizer), key=lambda row: len(row.input_ids))
    total, tokens = 0.0, 0
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        ids = _padded([row.input_ids for row in batch], tokenizer.pad_token_id).to(model.device)
        mask = _padded([[1] * len(row.input_ids) for row in batch], 0).to(model.device)
        labels = _padded([row.labels for row in batch], IGNORED).to(model.device)[:, 1:]
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        wanted = labels != IGNORED
        # Only the completion's positions in float32: a whole batch over a vocabulary of 256,000
        # would be gigabytes.
        total += torch.nn.functional.cross_entropy(
            logits[wanted].float(), labels[wanted], reduction="sum"
        ).item()
        tokens += int(wanted.sum())
    return total / max(tokens, 1)


def _padded(rows: list[list[int]], value: int) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip("; ")
