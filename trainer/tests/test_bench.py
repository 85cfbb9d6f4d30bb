"""The benchmark runs in small shapes where there is no GPU, and counts what it should."""

import pickle
import sys
from concurrent.futures import Future

from bench import __main__ as bench
from bench.documents import documents
from bench.measured import Measured, warm
from bench.recipes import recipes
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


class Here:
    """A process pool that stays in this process: starting one takes seconds."""

    def __init__(self, *_, **__): ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


def run(monkeypatch, *arguments):
    monkeypatch.setattr(bench, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    bench.main()


def test_the_whole_benchmark_runs_without_a_gpu(monkeypatch, capsys):
    run(monkeypatch, "--job", "24", "--documents", "8", "--steps", "3", "--only", "this")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[-2:]] == ["this", "this"]
    assert "failed" not in "".join(lines)


def test_what_is_measured_can_be_sent_to_another_process(tmp_path):
    for name, measure in recipes(tmp_path, documents(4, 100), [64], 2, on_gpu=True):
        assert name
        assert pickle.loads(pickle.dumps(measure)).keywords["base"] == tmp_path
