"""The one error that ends a start-up."""


class StartupError(Exception):
    """The container cannot serve. The message is one line: what was expected, found, and to do."""

    def __init__(self, message: str) -> None:
        # A library's words, or a name out of a bucket, may hold line breaks.
        super().__init__(" ".join(message.split()))


def shown(found: object) -> str:
    """What was found, short enough for a line of a log."""
    text = str(found)
    return text if len(text) <= 80 else f"{text[:77]}..."
