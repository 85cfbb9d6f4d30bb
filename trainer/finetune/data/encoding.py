"""
Tokens and labels of an example: the one place that decides what the model sees and what it is
graded on.
"""

import sys
from dataclasses import dataclass
from typing import Any

from finetune.data.dataset import Example

IGNORED = -100  # the label that PyTorch's cross entropy leaves out


@dataclass(frozen=True)
class Encoded:
    """
    Token ids of prompt, completion and end token; labels are the same ids with the prompt's
    ignored.
    """

    input_ids: list[int]
    labels: list[int]


def encode(examples: list[Example], tokenizer: Any) -> list[Encoded]:
    """
    Tokenises as the server does: one call on the text, with the special tokens that the tokenizer
    itself puts first.

    Loss falls on the completion and the end token by position. A label masked wherever it equals
    the padding token would never teach the end where padding and end share an id, and the model
    would not stop.
    """
    if not examples:
        return []
    prompts = tokenizer([example.prompt for example in examples])["input_ids"]
    texts = tokenizer([example.prompt + example.completion for example in examples])["input_ids"]
    end = tokenizer.eos_token_id
    encoded, merged = [], 0
    for prompt, ids in zip(prompts, texts, strict=True):
        prompt = prompt[:-1] if prompt[-1:] == [end] else prompt  # a tokenizer that ends every text
        ids = ids if ids[-1:] == [end] else [*ids, end]
        start = _common(prompt, ids)
        merged += start < len(prompt)
        encoded.append(Encoded(ids, [IGNORED] * start + ids[start:]))
    if merged:
        print(
            f"warning: in {merged} of {len(examples)} rows the end of the prompt and the start of "
            "the completion make one token, which the server will not see: "
            "begin COMPLETION_TEMPLATE with a space or a line break",
            file=sys.stderr,
            flush=True,
        )
    return encoded


def prompt_ids(example: Example, tokenizer: Any) -> list[int]:
    """
    The tokens that a model is given to answer an example: those before the answer in `encode`,
    beginning-of-text once. A chat's rendering has its special tokens in the text already.
    """
    ids = tokenizer(example.prompt, add_special_tokens=example.messages is None)["input_ids"]
    return ids[:-1] if ids[-1:] == [tokenizer.eos_token_id] else ids


def fitting(encoded: list[Encoded], length: int) -> list[Encoded]:
    """
    Those of at most `length` tokens. A row that was cut would teach half an answer and no end.
    """
    return [row for row in encoded if len(row.input_ids) <= length]


def _common(prompt: list[int], ids: list[int]) -> int:
    for position, (left, right) in enumerate(zip(prompt, ids, strict=False)):
        if left != right:
            return position
    return min(len(prompt), len(ids))
