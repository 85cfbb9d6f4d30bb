"""How many wrong queries the scorer of execution match finds out, and how many right ones."""

import random
from collections import Counter

import pytest
from gold_queries import gold_queries
from sql_equivalents import equivalents
from sql_mutants import BruteForce, mutants

from finetune.evaluation.execution_match import execution_match

SEED = 20


def proven_mutants(count):
    """`(context, gold, kind, mutant)`: mutants that some rows tell from the gold query."""
    rng = random.Random(SEED)
    candidates = {}
    for context, gold in gold_queries(SEED):
        for kind, mutant in mutants(gold, context, rng):
            candidates.setdefault((gold, mutant), (context, gold, kind, mutant))
    # A few of each query and each kind: columns alone would be half of them.
    chosen, taken = [], Counter()
    for context, gold, kind, mutant in rng.sample(sorted(candidates.values()), len(candidates)):
        if taken[gold] == 8 or taken[kind] == 80:
            continue
        if BruteForce(context, [gold, mutant], mutant).differ(gold, mutant, tries=200):
            chosen.append((context, gold, kind, mutant))
            taken.update((gold, kind))
        if len(chosen) == count:
            break
    return chosen


@pytest.fixture(scope="module")
def wrong():
    return proven_mutants(520)


def test_the_mutants_are_many_and_of_all_kinds(wrong):
    kinds = Counter(kind for _, _, kind, _ in wrong)
    assert len(wrong) >= 500 and len({gold for _, gold, _, _ in wrong}) >= 80
    assert kinds.keys() >= {
        "comparison", "aggregate", "join kind", "join column", "distinct", "column", "number",
        "text", "like", "between", "and/or", "order", "limit", "group column", "having", "not in",
        "subquery comparison", "set operation", "dropped condition",
    }  # fmt: skip


def test_nearly_all_wrong_queries_are_rejected(wrong):
    missed = [row for row in wrong if execution_match(row[0], row[1], row[3]) is not False]
    assert len(missed) <= 0.01 * len(wrong), missed


def test_right_queries_written_in_another_way_are_accepted():
    rng = random.Random(SEED)
    rewritten = [
        (rule, context, gold, query)
        for context, gold in gold_queries(SEED)
        for rule, query in equivalents(gold, rng)
    ]
    taken = Counter()
    for rule, context, gold, query in rng.sample(rewritten, len(rewritten)):
        taken[rule] += 1
        if taken[rule] <= 12:
            assert execution_match(context, gold, query) is True, (rule, gold, query)
    assert len(taken) >= 14


def test_every_gold_query_can_be_executed():
    for context, gold in gold_queries(SEED + 1):
        assert execution_match(context, gold, gold) is True, gold
