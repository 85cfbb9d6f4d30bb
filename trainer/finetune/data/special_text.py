"""
Texts of special tokens in a data set's rows, such as "<eos>".

A server reads such a text as the token itself, in a prompt as well, and so does training: a prompt
means the same to both. It is only counted, since a stray one is more often a fault of the data than
meant. An answer with the text of an end token is another matter: the model would learn to stop
there, and a server cuts the answer off there. Such a row is dropped. (Splitting the text into
ordinary tokens in training, `split_special_tokens`, would teach prompts that no server sees.)
"""

import re
from typing import Any

from finetune.data.encoding import surrounding
from finetune.data.row_checks import RowFault
from finetune.verdict import BadInput


class SpecialText:
    """What a tokenizer reads as special tokens. Without a tokenizer nothing is special."""

    NOTE = "the prompt holds the text of a special token, which is read as the token itself"

    def __init__(self, tokenizer: Any, end: str = "") -> None:
        self._beginning, self._ends, self._all = "", [], None
        if tokenizer is None:
            return
        first, _ = surrounding(tokenizer)
        self._beginning = "".join(tokenizer.convert_ids_to_tokens(first))
        self._ends = sorted({tokenizer.eos_token, end} - {""})
        added = tokenizer.added_tokens_decoder.values()
        texts = {
            *tokenizer.all_special_tokens,
            *(token.content for token in added if token.special),
        }
        self._all = re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))

    def within(self, text: str) -> bool:
        """Whether a text holds that of a special token."""
        return bool(self._all and self._all.search(text))

    def require_no_beginning(self, template: str) -> None:
        """
        Raises BadInput where the prompt template itself begins with what the tokenizer puts first:
        a server would put it before the prompt once more.
        """
        if self._beginning and template.startswith(self._beginning):
            raise BadInput(
                f"PROMPT_TEMPLATE begins with {self._beginning}, which the tokenizer puts before "
                "every text by itself: leave it out"
            )

    def without_beginning(self, prompt: str) -> str:
        """A prompt without the beginning-of-text that rows made for other programs have."""
        return prompt.removeprefix(self._beginning)

    def without_end(self, completion: str) -> str:
        """An answer without the end token at its end, which is learnt anyway."""
        for end in self._ends:
            completion = completion.removesuffix(end)
        return completion

    def require_no_end(self, completion: str) -> None:
        """Raises RowFault where an answer has the text of an end token in it."""
        for end in self._ends:
            if end in completion:
                raise RowFault("ends early", f"the answer holds {end}")
