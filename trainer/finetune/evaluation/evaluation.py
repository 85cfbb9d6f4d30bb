"""Scores a model on the held-out rows as it will be served: greedy answers to the bare prompt."""

import time
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel

from finetune.data.example import Example
from finetune.data.held_out import held_out_hash
from finetune.evaluation.examples_in_prompt import SEPARATOR, with_examples
from finetune.evaluation.generation import Generator, in_order
from finetune.evaluation.held_out_loss import held_out_loss
from finetune.evaluation.result import Evaluation
from finetune.evaluation.scoring import score_row, summary
from finetune.evaluation.scoring_time import BASE_ROWS, BASE_SHARE
from finetune.settings import Settings


def evaluate(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: Settings,
    deadline_seconds: float | None = None,
    shots: Sequence[Example] = (),
    answers: bool = True,
) -> Evaluation:
    """
    The metrics of one model on held-out rows: held_out_loss (nats per token of the completion), and
    shares from 0 to 1 with their 95 % intervals.

    Args:
        deadline_seconds: the budget for generating answers; by default EVALUATION_SECONDS.
        shots: rows of the training set that stand before each prompt with their answers. The loss
            is not measured then.
        answers: False measures the loss alone.
    """
    seconds = settings.evaluation_seconds if deadline_seconds is None else deadline_seconds
    metrics: dict[str, Any] = {"held_out_rows": len(examples), "held_out_loss": None}
    metrics["held_out_hash"] = held_out_hash(examples)
    metrics["held_out_ids"] = sorted(example.id for example in examples)
    model.eval()
    if not shots:
        loss = held_out_loss(
            model, tokenizer, examples, settings.max_seq_length, settings.eval_batch_size
        )
        metrics["held_out_loss"] = loss and round(loss, 4)
    if not answers:
        return Evaluation(metrics | summary([]), [])
    answered = _answered(model, tokenizer, examples, settings, seconds, shots)
    return Evaluation(metrics | answered.metrics, answered.rows)


def evaluate_base(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: Settings,
    shots: Sequence[Example],
    answers: bool = True,
) -> Evaluation:
    """
    The untrained base for comparison: its loss on all rows, and its answers to at most BASE_ROWS of
    them, asked as the trained model is and (`with_examples` in the metrics) with examples in the
    prompt. Its rows are those without examples, which PROMOTION_MUST_BEAT=base compares with.
    """
    loss = evaluate(model, tokenizer, examples, settings, answers=False)
    if not answers:
        return Evaluation(loss.metrics | {"with_examples": None}, [])
    seconds = settings.evaluation_seconds * BASE_SHARE
    # The first that the trained model is asked, too: all of them can be compared.
    some = in_order(examples)[:BASE_ROWS]
    bare = _answered(model, tokenizer, some, settings, seconds)
    asked = _answered(model, tokenizer, some, settings, seconds, shots) if shots else None
    metrics = loss.metrics | bare.metrics
    metrics["with_examples"] = asked and {"examples": len(shots), **asked.metrics}
    return Evaluation(metrics, bare.rows)


def _answered(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: Settings,
    seconds: float,
    shots: Sequence[Example] = (),
) -> Evaluation:
    started = time.monotonic()
    asked = [with_examples(example, shots, tokenizer) for example in examples]
    given = Generator(model, tokenizer, settings.eval_batch_size).answers(asked, seconds)
    metrics: dict[str, Any] = {"generation_seconds": round(time.monotonic() - started, 1)}
    started = time.monotonic()
    rows = []
    for row in in_order(examples):
        if row.id in given:
            # A model that was never taught to stop goes on with a prompt of its own.
            answer = given[row.id].strip().split(SEPARATOR)[0] if shots else given[row.id].strip()
            rows.append(score_row(row, answer))
    metrics["scoring_seconds"] = round(time.monotonic() - started, 1)
    metrics["scored_rows"] = len(rows)
    metrics["scored_because"] = (
        "all of them"
        if len(rows) == len(examples)
        else f"a sample, since all would take longer than {seconds:g} s"
    )
    return Evaluation(metrics | summary(rows), rows)
