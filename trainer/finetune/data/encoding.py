"""
Tokens and labels of an example: the one place that decides what the model sees and what it is
graded on.
"""

import sys
from dataclasses import dataclass
from typing import Any

from finetune.data.example import Example

IGNORED = -100  # the label that PyTorch's cross entropy leaves out


@dataclass(frozen=True)
class Encoded:
    """
    Token ids of prompt, completion and end token; labels are the same ids with the prompt's
    ignored. Of a chat, earlier answers and their end tokens have labels too.
    """

    input_ids: list[int]
    labels: list[int]


def encode(examples: list[Example], tokenizer: Any) -> list[Encoded]:
    """
    Tokenises as the server does: one call on the text, with the special tokens that the tokenizer
    itself puts first; of a chat, whose template has put them into the text, without. Where the end
    of the prompt and the start of the completion would make one token, which no server sees, the
    completion is tokenised by itself.

    Loss falls on the completion and the end token by position. A label masked wherever it equals
    the padding token would never teach the end where padding and end share an id, and the model
    would not stop.
    """
    prompts = _tokens([(row, row.prompt) for row in examples], tokenizer)
    texts = _tokens([(row, row.prompt + row.completion) for row in examples], tokenizer)
    cuts = [(row, row.prompt[:place]) for row in examples for span in row.graded for place in span]
    parts = iter(_tokens(cuts, tokenizer))
    one_of_each = {row.end: row for row in examples}  # rows of one kind, nearly always
    ends = {name: end_token(row, tokenizer) for name, row in one_of_each.items()}
    encoded, merged = [], 0
    for row, prompt, ids in zip(examples, prompts, texts, strict=True):
        end = ends[row.end]
        ids = ids if ids[-1:] == [end] else [*ids, end]
        start = _common(prompt, ids)
        if start < len(prompt):
            own = tokenizer(row.completion, add_special_tokens=False)["input_ids"]
            apart = [*prompt, *own, end]
            # A SentencePiece tokenizer would put a space between the two.
            if tokenizer.decode(apart) == tokenizer.decode(ids):
                ids, start = apart, len(prompt)
            else:
                merged += 1
        labels = [IGNORED] * start + ids[start:]
        for _ in row.graded:
            first, last = _common(next(parts), ids), _common(next(parts), ids)
            labels[first:last] = ids[first:last]
        encoded.append(Encoded(ids, labels))
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
    beginning-of-text once.
    """
    return _tokens([(example, example.prompt)], tokenizer)[0]


def end_token(example: Example, tokenizer: Any) -> int:
    """The id of the token that ends the example's answer."""
    return tokenizer.convert_tokens_to_ids(example.end) if example.end else tokenizer.eos_token_id


def surrounding(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens that the tokenizer itself puts before and after every text."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    ids = tokenizer("a")["input_ids"]
    for start in range(len(ids) - len(plain) + 1):
        if ids[start : start + len(plain)] == plain:
            return ids[:start], ids[start + len(plain) :]
    return [], []


def fitting(encoded: list[Encoded], length: int) -> list[Encoded]:
    """
    Those of at most `length` tokens. A row that was cut would teach half an answer and no end.
    """
    return [row for row in encoded if len(row.input_ids) <= length]


def _tokens(texts: list[tuple[Example, str]], tokenizer: Any) -> list[list[int]]:
    """Token ids of texts, a chat's as they stand, others with what the tokenizer puts first."""
    last = len(surrounding(tokenizer)[1])  # a tokenizer that ends every text would end the prompt
    found: dict[int, list[int]] = {}
    for is_chat in (False, True):
        numbers = [n for n, (row, _) in enumerate(texts) if (row.messages is not None) == is_chat]
        if not numbers:
            continue
        ids = tokenizer([texts[n][1] for n in numbers], add_special_tokens=not is_chat)["input_ids"]
        for number, tokens in zip(numbers, ids, strict=True):
            found[number] = tokens if is_chat or not last else tokens[:-last]
    return [found[number] for number in range(len(texts))]


def _common(prompt: list[int], ids: list[int]) -> int:
    for position, (left, right) in enumerate(zip(prompt, ids, strict=False)):
        if left != right:
            return position
    return min(len(prompt), len(ids))
