"""The benchmark of a cold start measures what it says it does."""

import os

import pytest

from cold_start import __main__ as benchmark
from cold_start.made_up_version import random_shards
from cold_start.start_phases import processor_seconds
from serve.version_directory import verify_directory


def test_verification_is_measured_on_files_and_in_a_bucket(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["cold_start", "verify", "--gigabytes=0.01", "--latency=0"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    benchmark.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if "0.01 GB in" in line]
    assert [line.split(":")[0].strip() for line in lines] == [
        "files on a disk, in the page cache, sizes",
        "files on a disk, in the page cache, every crc32c",
        "in the bucket, by its metadata, every crc32c",
    ]
    assert not list(tmp_path.glob("cold-start-*"))


def test_the_version_that_is_verified_is_one_that_would_be_served(tmp_path):
    random_shards(tmp_path / "0123456789ab", 3000)
    assert verify_directory(tmp_path / "0123456789ab", every_checksum=True).checksums == 2


def test_the_processor_seconds_of_a_session_grow_with_work():
    session = os.getsid(0)
    before = processor_seconds(session)
    sum(range(20_000_000))
    assert processor_seconds(session) > before


def test_fails_when_a_part_is_unknown(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["cold_start", "everything"])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "invalid choice: 'everything'" in capsys.readouterr().err
