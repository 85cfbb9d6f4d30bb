"""The benchmark runs in small shapes where there is no GPU, and counts what it should."""

import sys

import pytest

from bench import __main__ as bench
from bench.documents import documents
from bench.measured import Measured, warm
from bench.shape import GEMMA_2B, flops


def test_a_token_of_the_tutorials_data_costs_eight_to_nine_gigaflop():
    made = documents(500, 256000)
    tokens = sum(len(document.input_ids) for document in made)
    assert 85 < tokens / len(made) < 95
    assert 8e9 < flops(GEMMA_2B, made) / tokens < 9e9


def test_documents_are_equal_for_equal_seeds_alone():
    assert documents(3, 100, seed=1) == documents(3, 100, seed=1)
    assert documents(3, 100, seed=1) != documents(3, 100, seed=2)


def test_speed_leaves_out_the_first_marks():
    assert warm([(0.0, 0), (9.0, 10), (10.0, 110), (11.0, 210)], skipped=1) == 100


def test_a_line_says_which_share_of_the_peak_was_used():
    line = Measured("this", 1000, 20, 10_000, 10**9, 2.5).line(1e9, 2e12)
    assert line.split() == ["this", "1,000", "50%", "20.0", "500", "1.0", "2.5000"]


def test_the_whole_benchmark_runs_without_a_gpu(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--job", "24", "--documents", "8", "--only", "this"])
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[-2:]] == ["this", "this"]
    assert "failed" not in "".join(lines)


def test_trls_recipes_run_too_where_it_is_installed(monkeypatch, capsys):
    pytest.importorskip("trl")
    monkeypatch.setattr(sys, "argv", ["bench", "--job", "40", "--only", "trl"])
    bench.main()
    assert "failed" not in capsys.readouterr().out
