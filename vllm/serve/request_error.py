"""The answer to a request that cannot be served."""

from collections.abc import Mapping


class RequestError(Exception):
    """An HTTP status and a message that says what was received, what is allowed and what to do.

    `closes`: the connection ends with the answer, since the rest of the body won't be read.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        closes: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {**(headers or {}), **({"connection": "close"} if closes else {})}
