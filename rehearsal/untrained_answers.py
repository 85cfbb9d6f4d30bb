"""What the untrained model answers to the held-out questions, as the fair "before".

    python untrained_answers.py BASE DATA OUT --prompt TEMPLATE

It is asked twice: with the prompt that the fine-tuned model gets, and with three training rows in
front of it. Only the first line of an answer counts, which favours it: it seldom stops by itself.
OUT becomes {"same prompt": [...], "three examples": [...]} in the order of DATA/held-out.jsonl.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, logging

BATCH = 14
LONGEST = 64  # tokens; the longest expected answer has about 50


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def three_examples(training: list[dict[str, str]]) -> list[dict[str, str]]:
    """The shortest training row that counts what it filters, that groups and that sorts."""
    short = sorted(training, key=lambda row: sum(map(len, row.values())))
    kinds = (("COUNT(*)", "WHERE"), ("GROUP BY",), ("ORDER BY",))
    return [
        next(row for row in short if all(word in row["answer"] for word in kind)) for kind in kinds
    ]


@torch.no_grad()
def answers(
    model: PreTrainedModel, tokenizer: Any, prompts: list[str], done: int, **options: Any
) -> list[str]:
    """The first line of each greedy completion, in the order of the prompts."""
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    given: dict[int, str] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        inputs = tokenizer(
            [prompts[number] for number in batch],
            return_tensors="pt",
            padding=True,
            padding_side="left",
        )
        outputs = model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=LONGEST,
            pad_token_id=tokenizer.pad_token_id,
            tokenizer=tokenizer,
            **options,
        )
        texts = tokenizer.batch_decode(
            outputs[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        for number, text in zip(batch, texts, strict=True):
            given[number] = (text.strip().splitlines() or [""])[0].strip()
        print(f"answered {done + len(given)} of {2 * len(prompts)}", flush=True)
    return [given[number] for number in range(len(prompts))]


def main() -> None:
    """Asks twice and writes OUT in one rename."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompt", required=True)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    # A CPU without instructions for bf16 emulates it, far slower than float32.
    fast = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    tokenizer = AutoTokenizer.from_pretrained(arguments.base)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.base, dtype=torch.bfloat16 if fast else torch.float32
    )
    held_out = rows(arguments.data / "held-out.jsonl")
    plain = [arguments.prompt.format_map(row) for row in held_out]
    shown = "".join(
        f"{arguments.prompt.format_map(row)} {row['answer']}\n\n"
        for row in three_examples(rows(arguments.data / "train.jsonl"))
    )
    given = {"same prompt": answers(model, tokenizer, plain, 0)}
    # With the examples before it, an answer begins on the prompt's own line: the next one is over.
    prompts = [shown + prompt for prompt in plain]
    given["three examples"] = answers(model, tokenizer, prompts, len(plain), stop_strings=["\n"])
    partial = arguments.out.with_name(f"{arguments.out.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(given), encoding="utf-8")
    partial.rename(arguments.out)


if __name__ == "__main__":
    main()
