"""The manifest's prompt template: the text that the model was trained to complete."""

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{(\w+)\}")


class PromptTemplate:
    """A text with placeholders such as "{question}"; other braces stand for themselves."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.placeholders = tuple(dict.fromkeys(PLACEHOLDER.findall(text)))

    def render(self, values: Mapping[str, str]) -> str:
        """Fills the placeholders in one pass: braces inside a value are left alone."""
        return PLACEHOLDER.sub(lambda match: values[match[1]], self._text)
