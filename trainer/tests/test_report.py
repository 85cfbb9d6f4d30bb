"""The report: one file, nothing fetched, and nothing in it that a model could have made act."""

import base64
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tiny import environment

from finetune.publishing.answers import shown, worst_answers
from finetune.publishing.loss_curve import DOTS, loss_curve, smoothed
from finetune.publishing.manifest import Lineage
from finetune.publishing.report import Run, write_report
from finetune.settings import read_settings

CURVES = {
    "train": [(step, 2 / step) for step in range(1, 41)],
    "validation": [(10, 0.4), (20, 0.2), (40, 0.3)],
    "learning_rate": [(step, 1e-4 * step) for step in range(1, 41)],
}
METRICS = {
    "execution_match": 0.75,
    "execution_match_interval": [0.661, 0.822],
    "exact_match": 0.5,
    "held_out_loss": 0.12345,
    "held_out_rows": 120,
    "scored_rows": 110,
    "executed_rows": 100,
    "steps": 500,
    "train_seconds": 185.0,
    "train_tokens_per_second": 55_000.4,
    "device": "NVIDIA L4",
    "base": {
        "held_out_loss": 1.9,
        "execution_match": 0.0,
        "execution_match_interval": [0.0, 0.037],
        "with_examples": {"examples": 3, "execution_match": 0.22},
    },
    "promotion": {"metric": "execution_match", "minimum": 0.7, "must_beat": None},
}
DATA = {
    "read": 5000,
    "kept": 4900,
    "dropped": {"too long": 90, "empty": 10},
    "first": "line 3 (missing): {}",
    "noted": {"prompts with several answers": 4},
}


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{number:012x}",
        "prompt": f"Question: how many? Number {number}",
        "expected": "SELECT COUNT(*) FROM ship",
        "answer": "SELECT 1",
        "parses": True,
        "exact_match": False,
        "execution_match": False,
        "token_f1": 0.25,
        **changes,
    }


@pytest.fixture(autouse=True)
def _in_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the module had it when this file was imported: conftest.py has runs draw less."""
    monkeypatch.setattr("finetune.publishing.loss_curve.DOTS", DOTS)


@cache
def drawn(curves: str, best_step: int | None) -> bytes:
    """Equal curves give equal bytes (a test below): each is drawn once."""
    return loss_curve(json.loads(curves), best_step)


@pytest.fixture
def page(tmp_path: Path, set_environment, monkeypatch: pytest.MonkeyPatch):
    """Writes a report and returns its text."""
    monkeypatch.setattr(
        "finetune.publishing.report.loss_curve",
        lambda curves, best_step: drawn(json.dumps(curves), best_step),
    )

    def write(**changes: Any) -> str:
        set_environment(environment("/base", "/data", "/bucket", PRICE_PER_HOUR="1.42"))
        run = {
            "lineage": Lineage("0123abcd", "4567cdef", "apache-2.0"),
            "metrics": METRICS,
            "training": {"curves": CURVES, "best_step": 20},
            "rows": [row(1)],
            "data": DATA,
            **changes,
        }
        write_report(tmp_path, Run(read_settings(), **run))
        return (tmp_path / "report.html").read_text("utf-8")

    return write


def text_of(page: str) -> str:
    """What a reader sees, spaces as one."""

    class Text(HTMLParser):
        seen = ""

        def handle_data(self, data: str) -> None:
            self.seen += f" {data}"

    parser = Text()
    parser.feed(page)
    return " ".join(parser.seen.split())


def test_it_holds_metrics_with_intervals_beside_the_base(page) -> None:
    text = text_of(page())
    assert "75.0 % (66.1 to 82.2)" in text
    assert "0.0 % (0.0 to 3.7)" in text
    assert "base, 3 examples in the prompt" in text and "22.0 %" in text
    assert "0.1235" in text and "1.9000" in text
    assert "On 110 of 120 held-out rows" in text and "the 100 rows" in text
    assert "execution match of at least 0.7" in text


def test_it_holds_settings_lineage_data_time_and_cost(page) -> None:
    text = text_of(page())
    for said in (
        "LORA_TARGET_MODULES all-linear",
        "LEARNING_RATE 0.0002",
        "0123abcd",
        "4567cdef",
        "licence of the base apache-2.0",
        "5,000, of which 4,900 are usable",
        "dropped: too long 90 (more than MAX_SEQ_LENGTH tokens)",
        "4 rows: prompts with several answers",
        "500 steps, 3 min 05 s",
        "55,000 tokens/s",
        "its cost $",
    ):
        assert said in text


def test_it_is_one_file_that_fetches_nothing(page) -> None:
    written = page()
    addresses = re.findall(r"""(?:src|href|url|action|data)\s*[=(]\s*["']?([^"'\s>)]+)""", written)
    assert [address[:15] for address in addresses] == ["data:image/png;"]
    assert "default-src 'none'" in written
    assert not re.search(r"https?://|<script|<link|<iframe|@import", written)


def test_its_picture_is_the_file_beside_it(page, tmp_path: Path) -> None:
    (encoded,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page())
    assert base64.b64decode(encoded) == (tmp_path / "loss_curve.png").read_bytes()


@pytest.mark.parametrize("field", ["prompt", "expected", "answer"])
def test_fails_when_hostile_text_would_act(page, field: str) -> None:
    hostile = '</pre><script>alert(1)</script><img src=x onerror="alert(2)">{{ 7 * 7 }}'
    written = page(rows=[row(1, **{field: hostile})])
    assert "<script" not in written and "<img src=x" not in written
    assert hostile in text_of(written)  # shown as it is, neither run nor rendered


def test_settings_and_data_are_escaped_as_well(page, set_environment) -> None:
    set_environment({"COMPLETION_TEMPLATE": " <b>{answer}</b>"})
    written = page(data={**DATA, "first": "<script>alert(3)</script>"})
    assert "<script" not in written and "<b>" not in written


def test_long_answers_are_cut_and_say_so(page) -> None:
    written = page(rows=[row(number, answer="x" * 100_000) for number in range(10)])
    assert "(98,000 more characters)" in written
    assert len(written) < 200_000 + len(base64.b64encode(loss_curve(CURVES, 20)))


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\u202eb", "a\x85b"])
def test_characters_that_act_are_shown_as_such(text: str) -> None:
    assert shown(text) == "a\ufffdb"


def test_half_a_surrogate_pair_can_be_written(page) -> None:
    assert "SELECT" in page(rows=[row(1, answer="SELECT '\ud83d'")])


def test_the_worst_are_first_and_ten_at_most() -> None:
    rows = [row(number, token_f1=number / 100) for number in range(40, 20, -1)]
    rows += [row(1, parses=False, token_f1=0.9), row(2, execution_match=True)]
    answers, wrong = worst_answers(rows, "execution_match")
    assert wrong == 21
    assert [int(answer.id, 16) for answer in answers] == [1, *range(21, 30)]
    assert [answer.why for answer in answers[:2]] == [
        "no SQL: it cannot be parsed",
        "returns another result",
    ]


def test_a_row_that_cannot_be_executed_is_judged_by_its_text() -> None:
    rows = [
        row(1, execution_match=None, exact_match=True),
        row(2, execution_match=None, parses=None),
        row(3, answer="  "),
    ]
    answers, _ = worst_answers(rows, "execution_match")
    whys = {int(answer.id, 16): answer.why for answer in answers}
    assert whys == {2: "another text", 3: "no answer"}


def test_a_run_without_evaluation_has_a_report_too(page) -> None:
    text = text_of(page(metrics={"steps": 2}, training={}, rows=[], data=None))
    assert "nothing was measured" in text and "nothing was asked" in text


def test_all_right_is_said(page) -> None:
    assert "all answers are right" in text_of(page(rows=[row(1, execution_match=True)]))


def test_the_curve_is_a_png_of_1600_by_1000_and_the_same_for_the_same_run() -> None:
    first, second = loss_curve(CURVES, 20), loss_curve(CURVES, 20)
    assert first == second
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(first[at : at + 4]) for at in (16, 20)] == [1600, 1000]


@pytest.mark.parametrize(
    "curves",
    [
        {},
        {"train": [(1, None), (2, float("nan")), (3, float("inf"))]},
        {"train": [(1, 0.0)], "validation": [(1, 0.0)], "learning_rate": [(1, 0.0)]},
    ],
)
def test_a_curve_without_numbers_is_drawn_as_well(curves: dict[str, Any]) -> None:
    assert loss_curve(curves).startswith(b"\x89PNG")


def test_smoothing_neither_lags_nor_bends_a_line() -> None:
    line = [float(number) for number in range(100)]
    assert smoothed(line) == pytest.approx(line)
    assert smoothed([]) == []
