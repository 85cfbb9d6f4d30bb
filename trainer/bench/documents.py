"""Documents as long as the tutorial's: a question, a CREATE TABLE statement and SQL."""

import random

from finetune.data.encoding import IGNORED, Encoded

# Tokens of a document: about 90 on average, and no two alike. The last 28 % are graded.
LOGARITHM, SPREAD, SHORTEST, LONGEST, GRADED = 4.45, 0.3, 40, 230, 0.28


def documents(count: int, vocabulary: int, seed: int = 0) -> list[Encoded]:
    """Random tokens in documents of random lengths, equal for equal seeds."""
    source = random.Random(seed)
    made = []
    for _ in range(count):
        length = round(source.lognormvariate(LOGARITHM, SPREAD))
        length = min(LONGEST, max(SHORTEST, length))
        graded = max(8, round(length * GRADED))
        ids = [source.randrange(3, vocabulary) for _ in range(length)]
        made.append(Encoded(ids, [IGNORED] * (length - graded) + ids[-graded:]))
    return made
