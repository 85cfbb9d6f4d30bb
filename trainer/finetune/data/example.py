"""One row in the templates: what the model is asked and what it should say."""

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """
    What the model is asked and what it should say.

    `prompt` is the exact text that a server is given, `completion` the expected answer without its
    end token. `context` is what rows must share to be kept together when some are held out. `id`
    (12 hexadecimal digits) names the row wherever it stands in the data set.

    Of a chat, `messages` are the messages up to the answer and `prompt` is the chat template's
    rendering of all before it, special tokens in the text; `graded` are the spans (start and end,
    in characters of `prompt`) of earlier answers with their end tokens, which are learnt as well;
    `end` is the text of the token that ends an answer (empty: the tokenizer's end token).
    """

    prompt: str
    completion: str
    context: str = ""
    id: str = ""
    messages: tuple[dict[str, Any], ...] | None = None
    graded: tuple[tuple[int, int], ...] = ()
    end: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            digest = hashlib.sha256(f"{self.prompt}\0{self.completion}".encode("utf-8", "replace"))
            object.__setattr__(self, "id", digest.hexdigest()[:12])
