"""
What the published tokenizer and generation configuration need so that a server asks and stops as
training did.
"""

from typing import Any

from finetune.data.chat import ChatFormat
from finetune.data.plain_template import plain_template
from finetune.settings import Settings


def with_chat_template(tokenizer: Any, settings: Settings) -> Any:
    """
    The tokenizer; where its base has no chat template, it now has the one that applies the prompt
    template. `save_pretrained` then writes chat_template.jinja.
    """
    if not tokenizer.chat_template:
        tokenizer.chat_template = plain_template(tokenizer, settings)
    return tokenizer


def end_token_ids(tokenizer: Any, settings: Settings) -> list[int]:
    """
    The ids for `eos_token_id` of generation_config.json, the one that was trained first: after a
    chat the token that ends a turn, else the tokenizer's end token; then the tokenizer's own. The
    base's further ids belong behind these.
    """
    ends = [tokenizer.eos_token]
    if settings.dataset_format == "messages" and tokenizer.chat_template:
        ends.insert(0, ChatFormat(tokenizer).end)
    return list(dict.fromkeys(tokenizer.convert_tokens_to_ids(ends)))
