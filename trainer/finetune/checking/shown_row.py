"""One encoded row as a text for people, what is graded marked."""

from typing import Any

from finetune.data.encoding import IGNORED, Encoded

OPENING, CLOSING = ">>>", "<<<"


def shown_row(row: Encoded, tokenizer: Any) -> str:
    """
    The decoded row with its special tokens; what the loss is over stands between >>> and <<<.
    Control characters are written as escapes: a row must not speak to the terminal.
    """
    text, places = tokenizer.decode(row.input_ids), []
    graded = [label != IGNORED for label in row.labels]
    for position, (before, now) in enumerate(zip([False, *graded], [*graded, False], strict=True)):
        if before != now:
            # By the text before: pieces decoded alone would lose the space they begin with.
            places.append((len(tokenizer.decode(row.input_ids[:position])), now))
    for place, opens in reversed(places):
        text = text[:place] + (OPENING if opens else CLOSING) + text[place:]
    return "".join(letter if _safe(letter) else repr(letter)[1:-1] for letter in text)


def _safe(letter: str) -> bool:
    return letter.isprintable() or letter in "\n\t"
