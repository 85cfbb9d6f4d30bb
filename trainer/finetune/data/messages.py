"""The messages of a row as a chat template takes them."""

import json
from typing import Any

from finetune.data.row_checks import RowFault, blank, text_of


def checked(messages: Any) -> list[dict[str, Any]]:
    """
    Messages with texts that a tokenizer takes; the parts of a content that is a list are joined.

    Raises:
        RowFault: not a list of objects with role and content, or a blank content.
    """
    if not isinstance(messages, list) or not messages:
        raise RowFault("empty" if not messages else "malformed", "not a list of messages")
    found = []
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            known = ", ".join(map(str, message)) if isinstance(message, dict) else "no object"
            raise RowFault(
                "malformed", f"message {number} has no role and content (it has: {known})"
            )
        # `datasets` fills fields that only other messages have with None.
        message = {name: value for name, value in message.items() if value is not None}
        content = message.get("content")
        if isinstance(content, list):
            parts = [part.get("text") if isinstance(part, dict) else part for part in content]
            if not all(isinstance(part, str) for part in parts):
                raise RowFault("malformed", f"message {number} holds more than text")
            content = "".join(parts)
        if not isinstance(content, str | None):
            raise RowFault("malformed", f"the content of message {number} is no text")
        calls = message.get("tool_calls")
        if (content is None or blank(content)) and not calls:
            raise RowFault("empty", f"message {number} ({message['role']}) is blank")
        found.append({**message, "content": None if content is None else text_of(content)})
    return found


def checked_tools(tools: Any) -> list[Any] | None:
    """
    The functions that a row offers to the model, a list or its JSON text; None where there are
    none.

    Raises:
        RowFault: it is something else.
    """
    if isinstance(tools, str) and not blank(tools):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError) as error:
            raise RowFault("malformed", "the column tools is no JSON") from error
    if tools and not isinstance(tools, list):
        raise RowFault("malformed", "the column tools holds no list")
    return tools or None


def folded(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    The system message before the text of the first question, as Gemma 3's own template does. A
    server refuses such a message with an error, so that a caller learns to do the same.
    """
    if messages[0]["role"] != "system" or len(messages) < 2:
        return messages
    system, first, *rest = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content'] or ''}"}, *rest]
