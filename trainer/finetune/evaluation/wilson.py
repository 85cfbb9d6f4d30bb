"""How far a share measured on some rows may be from the share over all rows of that kind."""

import math
from collections.abc import Sequence

# The normal distribution's 97.5th percentile: 95 % lie within so many standard deviations.
Z = 1.959963984540054


def wilson_interval(right: int, total: int) -> tuple[float, float] | None:
    """
    The 95 % score interval for `right` of `total`, both ends from 0 to 1; None of no rows.

    Unlike the usual "± 1.96 standard errors" it stays within 0 and 1 and holds for few rows and for
    shares near the ends (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).
    """
    if not 0 <= right <= total:
        raise ValueError(f"{right} of {total} is no share")
    if total == 0:
        return None
    share, z2 = right / total, Z * Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    # At the ends the formula is exact, its floating point sum is not.
    low = 0.0 if right == 0 else max(0.0, middle - half)
    return low, 1.0 if right == total else min(1.0, middle + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a mean of values from 0 to 1, by the normal approximation."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = Z * math.sqrt(variance / len(values))
    return max(0.0, mean - half), min(1.0, mean + half)
