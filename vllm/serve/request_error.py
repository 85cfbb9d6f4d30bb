"""The answer to a request that cannot be served."""


class RequestError(Exception):
    """An HTTP status and a message that says what was received and what is allowed."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
