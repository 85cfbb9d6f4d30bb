"""How much of an expected answer's words another answer has, as SQuAD counts them."""

import re
import string
from collections import Counter

ARTICLES = re.compile(r"\b(a|an|the)\b")
# Punctuation of other scripts stays, as in SQuAD's own script.
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def token_f1(expected: str, answer: str) -> float:
    """
    Harmonic mean of precision and recall over words, from 0 to 1; case, punctuation and English
    articles aside (https://arxiv.org/abs/1606.05250, evaluate-v1.1). Two answers without any word
    are equal, one without is wrong.
    """
    wanted, given = _words(expected), _words(answer)
    if not wanted or not given:
        return float(wanted == given)
    common = sum((Counter(wanted) & Counter(given)).values())
    # 2 * precision * recall / (precision + recall), with both written out.
    return 2 * common / (len(wanted) + len(given))


def _words(text: str) -> list[str]:
    return ARTICLES.sub(" ", text.lower().translate(NO_PUNCTUATION)).split()
