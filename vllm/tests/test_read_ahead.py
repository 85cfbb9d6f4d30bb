"""Weights in the page cache before vLLM asks for them."""

import subprocess
import sys
from pathlib import Path

from serve import read_ahead
from serve.read_ahead import available_memory, ranges, read, worth_it

PACKAGE_PARENT = Path(read_ahead.__file__).parent.parent


def test_every_byte_is_read_once_in_parts_in_the_order_of_loading(tmp_path, monkeypatch):
    monkeypatch.setattr(read_ahead, "RANGE", 400)
    monkeypatch.setattr(read_ahead, "BLOCK", 150)
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    first.write_bytes(bytes(1000))
    second.write_bytes(bytes(400))
    parts = [(first, 0, 400), (first, 400, 400), (first, 800, 200), (second, 0, 400)]
    assert list(ranges([second, first])) == parts
    assert read([second, first]) == 1400


def test_it_is_not_worth_it_for_few_bytes_or_for_more_than_half_of_the_memory():
    gib = 2**30
    assert worth_it(5 * gib, 25 * gib)
    assert not worth_it(5 * gib, 9 * gib)
    assert not worth_it(2**20, 25 * gib)


def test_the_memory_that_is_left_is_no_more_than_the_machine_has():
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < available_memory() <= total


def test_a_file_that_cannot_be_read_is_left_to_vllm(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "serve.read_ahead", str(tmp_path / "gone")],
        cwd=PACKAGE_PARENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("serve: reading ahead ended early:")
