"""Whether one model is better than another on the same rows, or only luckier."""

from math import comb


def mcnemar_p(better: int, worse: int) -> float:
    """
    The exact McNemar test, one-sided.

    Rows on which both models are equally right say nothing. Of the others, were the models equally
    good, each would fall to either side like a fair coin: the answer is the probability that at
    least `better` of `better + worse` fall to this model's side (McNemar 1947,
    https://doi.org/10.1007/BF02295996). 1.0 where there is no such row.
    """
    if better < 0 or worse < 0:
        raise ValueError(f"{better} and {worse} are no numbers of rows")
    rows = better + worse
    # Whole numbers to the end: 0.5 ** 1100 would already be 0.
    return sum(comb(rows, number) for number in range(better, rows + 1)) / 2**rows
