"""The manifest's prompt template: the text that the model was trained to complete."""

from collections.abc import Mapping
from string import Formatter


class PromptTemplate:
    """A text with placeholders such as "{question}"; a literal brace is written twice.

    The trainer fills it with str.format, so this does too. Raises ValueError for stray braces.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        names = (name for _, name, _, _ in Formatter().parse(text) if name is not None)
        self.placeholders = tuple(dict.fromkeys(names))

    def render(self, values: Mapping[str, str]) -> str:
        """Fills the placeholders; braces inside a value are left alone."""
        return self._text.format(**values)
