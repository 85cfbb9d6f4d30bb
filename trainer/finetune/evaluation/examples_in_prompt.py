"""Examples in the prompt: what an untrained model is given to see what is wanted of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from finetune.data.chat import RENDERING
from finetune.data.example import Example

# What stands between an example and the next prompt, and where an answer ends that runs on.
SEPARATOR = "\n\n"


def choose_examples(training: Sequence[Example], count: int = 3) -> list[Example]:
    """The shortest rows of the training set's first: they cost the least of the prompt's room."""
    return sorted(training[: 20 * count], key=lambda row: len(row.prompt + row.completion))[:count]


def with_examples(example: Example, shots: Sequence[Example], tokenizer: Any) -> Example:
    """
    The same row asked after `shots`, each a prompt with its answer: as turns of a chat where rows
    are chats, else as text before the prompt. Its id stays.
    """
    if not shots:
        return example
    if example.messages is None:
        before = "".join(shot.prompt + shot.completion + SEPARATOR for shot in shots)
        return replace(example, prompt=before + example.prompt)
    turns = [turn for shot in shots for turn in shot.messages or () if turn["role"] != "system"]
    system = [turn for turn in example.messages if turn["role"] == "system"]
    asked = [turn for turn in example.messages[:-1] if turn["role"] != "system"]
    prompt = tokenizer.apply_chat_template(
        [*system, *turns, *asked], add_generation_prompt=True, **RENDERING
    )
    return replace(example, prompt=prompt, graded=())
