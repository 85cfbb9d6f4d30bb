"""Version directories for the tests."""

from pathlib import Path

import pytest
from tiny_version import publish

FILES = {
    "adapter/adapter_config.json": b"{}",
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": bytes(1000),
}


@pytest.fixture
def version_directory(tmp_path: Path) -> Path:
    """A finished version of three small files."""
    return publish(tmp_path / "tiny" / "0123456789ab", FILES)
