import math

import pytest

from finetune.evaluation.mcnemar import mcnemar_p
from finetune.evaluation.token_f1 import token_f1
from finetune.evaluation.wilson import mean_interval, wilson_interval


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I,
        # method 3 (score without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # Both ends in closed form: z^2 / (n + z^2).
        (10, 10, 1 - 3.841458820694124 / 13.841458820694124, 1.0),
    ],
)
def test_the_interval_is_wilsons(right, total, low, high):
    assert wilson_interval(right, total) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_solves_the_score_equation():
    for right, total in ((3, 7), (50, 100), (499, 500)):
        share = right / total
        for end in wilson_interval(right, total):
            error = math.sqrt(end * (1 - end) / total)
            assert abs(share - end) == pytest.approx(1.959963984540054 * error, rel=1e-12)


def test_the_interval_has_ends_within_0_and_1_and_none_without_rows():
    assert wilson_interval(0, 3)[0] == 0.0
    assert wilson_interval(3, 3)[1] == 1.0
    assert wilson_interval(0, 0) is None


def test_a_mean_has_the_normal_interval():
    # mean 0.5, standard deviation 0.5 * sqrt(4/3), standard error 0.28868
    assert mean_interval([0, 1, 0, 1]) == pytest.approx((0.0, 1.0))
    values = [0.4, 0.6] * 50
    half = 1.959963984540054 * 0.1 * math.sqrt(100 / 99) / 10
    assert mean_interval(values) == pytest.approx((0.5 - half, 0.5 + half))
    assert mean_interval([0.5]) is None


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (5, 0, 1 / 32),
        (4, 1, 6 / 32),
        (8, 2, 56 / 1024),  # sign test of 8 in 10: 0.0547
        (9, 1, 11 / 1024),  # 0.0107
        (15, 5, 21700 / 1048576),  # P(X >= 15 | 20, 0.5) = 0.0207
        (0, 5, 1.0),
    ],
)
def test_the_test_is_mcnemars_exact_one(better, worse, p):
    assert mcnemar_p(better, worse) == pytest.approx(p, rel=1e-12)


def test_the_two_sides_add_up_and_many_rows_do_not_underflow():
    for better, worse in ((7, 3), (60, 61), (3, 9)):
        assert mcnemar_p(better, worse) + mcnemar_p(worse + 1, better - 1) == pytest.approx(1.0)
    assert 0 < mcnemar_p(2000, 1500) < 1e-10
    # The normal approximation with continuity correction: z = (630 - 0.5 - 600) / sqrt(300).
    assert mcnemar_p(630, 570) == pytest.approx(0.5 * math.erfc(29.5 / math.sqrt(600)), rel=2e-3)


@pytest.mark.parametrize(
    ("expected", "answer", "f1"),
    [
        ("the cat sat", "A cat sat!", 1.0),
        ("cat sat on mat", "cat mat", 2 * 1.0 * 0.5 / 1.5),
        ("yes", "no", 0.0),
        ("", "", 1.0),
        ("", "no", 0.0),
        ("yes", "", 0.0),
        ("a b b", "b b b c", 2 * 2 / (2 + 4)),  # "a" is an article
    ],
)
def test_the_share_of_words_is_squads(expected, answer, f1):
    assert token_f1(expected, answer) == pytest.approx(f1)


def test_fails_when_counts_make_no_sense():
    with pytest.raises(ValueError, match="5 of 4"):
        wilson_interval(5, 4)
    with pytest.raises(ValueError, match="-1 and 2"):
        mcnemar_p(-1, 2)
