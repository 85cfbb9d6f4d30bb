"""
The chat template of a base that has none: it applies the prompt template, so that
`/v1/chat/completions` asks as the rows asked.
"""

import json
from string import Formatter
from typing import Any

from finetune.data.encoding import surrounding
from finetune.data.templates import placeholders
from finetune.settings import Settings

# For chats where no prompt template with a single placeholder says how a question looks.
QUESTION = "User: {message}\nAssistant:"


def with_chat_template(tokenizer: Any, settings: Settings) -> Any:
    """The tokenizer; where its base has no chat template, it now has the plain one."""
    if not tokenizer.chat_template:
        tokenizer.chat_template = plain_template(tokenizer, settings)
    return tokenizer


def plain_template(tokenizer: Any, settings: Settings) -> str:
    """
    A Jinja template. A message of the user stands where PROMPT_TEMPLATE has its placeholder. With
    several placeholders one message cannot fill them, so that it stands for the whole prompt: the
    caller writes "Question: ...\\nContext: ...\\nAnswer:" as one message. An answer in the history
    is followed by the end token, a system message comes before the next question's text.

    With DATASET_FORMAT=messages, chats are trained in this form as well; there, several
    placeholders mean QUESTION.

    Rendered and tokenised without special tokens, as a server does, it gives the tokens that
    `prompt_ids` gives for the same prompt: what the tokenizer puts first is in the template.
    """
    question = settings.prompt_template
    if len(placeholders(question)) > 1:
        question = QUESTION if settings.dataset_format == "messages" else "{message}"
    answer = settings.completion_template
    answer = answer if len(placeholders(answer)) == 1 else "{message}"
    opening = _pieces(answer)[0]
    given = "message['content']"
    return (
        f"{{{{- {_literal(beginning(tokenizer, _pieces(question)[0]))} -}}}}\n"
        "{%- set ns = namespace(system='') -%}\n"
        "{%- for message in messages -%}\n"
        "{%- if message['role'] == 'system' -%}\n"
        f"{{%- set ns.system = ns.system + {given} + '\\n\\n' -%}}\n"
        "{%- elif message['role'] == 'assistant' -%}\n"
        # A client sends an answer back as it came, its first space included.
        f"{{%- set given = {given}[{len(opening)}:] if {given}.startswith({_literal(opening)}) "
        f"else {given} -%}}\n"
        f"{{{{- {_filled(answer, 'given')} + {_literal(tokenizer.eos_token)} -}}}}\n"
        "{%- else -%}\n"
        f"{{%- set given = ns.system + {given} -%}}\n"
        f"{{{{- {_filled(question, 'given')} -}}}}\n"
        "{%- set ns.system = '' -%}\n"
        "{%- endif -%}\n"
        "{%- endfor -%}"
    )


def beginning(tokenizer: Any, before: str = "") -> str:
    """
    The text that gives the special tokens which the tokenizer puts before every text, here one that
    begins with `before`.

    SentencePiece tokenizers put a space before a text, but not behind a special token in it: there
    the space is part of this text.
    """
    ids, last = surrounding(tokenizer)
    first = "".join(tokenizer.convert_ids_to_tokens(ids))
    if not first:
        return ""
    wanted = tokenizer(f"{before}a")["input_ids"]
    wanted = wanted[: len(wanted) - len(last)]
    spaced = [f"{first}{space}" for space in ("", " ")]
    return next(
        (
            text
            for text in spaced
            if tokenizer(f"{text}{before}a", add_special_tokens=False)["input_ids"] == wanted
        ),
        first,
    )


def _pieces(template: str) -> list[str]:
    """The literal texts around the placeholders, one more than there are placeholders."""
    pieces = [""]
    for literal, name, _, _ in Formatter().parse(template):
        pieces[-1] += literal
        pieces += [""] if name is not None else []
    return pieces


def _filled(template: str, value: str) -> str:
    """A Jinja expression: the template with an expression for its placeholder."""
    parts: list[str] = []
    for piece in _pieces(template):
        parts += [_literal(piece), value]
    return " + ".join(part for part in parts[:-1] if part != _literal(""))


def _literal(text: str) -> str:
    """A Jinja string: it knows JSON's escapes, but not pairs of surrogates."""
    return json.dumps(text, ensure_ascii=False)
