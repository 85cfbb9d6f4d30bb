"""The one error that ends a start-up."""


class StartupError(Exception):
    """The container cannot serve. The message is one line: what was expected, found, and to do."""
