"""Examples from rows that hold a chat."""

from collections.abc import Callable
from typing import Any

from finetune.data.chat import ChatFormat
from finetune.data.example import Example
from finetune.data.plain_template import with_chat_template
from finetune.data.row_checks import REPAIRED, RowReport
from finetune.data.rows import Row
from finetune.data.special_text import SpecialText
from finetune.settings import Settings

FOLDED = (
    "the template has no system role, so the system message stands before the first question: "
    "callers have to do the same"
)


def examples_of_chats(
    settings: Settings, tokenizer: Any, report: RowReport
) -> Callable[[Row], list[Example]]:
    """
    A function from a row to its examples: one, or one for each answer where the template shows
    earlier turns differently later. It raises RowFault for what is no chat or has a blank message.

    A tokenizer without a chat template is given the one that will be published.
    """
    chat = ChatFormat(with_chat_template(tokenizer, settings))
    special = SpecialText(tokenizer, chat.end)

    def make(row: Row) -> list[Example]:
        messages = row.values.get(settings.dataset_messages)
        found = chat.conversations(messages, row.values.get("tools"))
        for conversation in found:
            special.require_no_end(conversation.turn.completion)
            for start, end in conversation.graded:
                special.require_no_end(conversation.turn.prompt[start : end - len(chat.end)])
        texts = "\n".join(str(message.get("content") or "") for message in messages)
        report.note(special.NOTE, special.within(texts))
        report.note(REPAIRED, any("\ufffd" in item.turn.completion for item in found))
        report.note(FOLDED, not chat.takes_system and messages[0]["role"] == "system")
        return [
            Example(
                item.turn.prompt,
                item.turn.completion,
                item.context,
                messages=item.messages,
                graded=item.graded,
                end=chat.end,
            )
            for item in found
        ]

    return make
