"""A version directory as the trainer publishes it, small enough to make in a test."""

import base64
import json
from pathlib import Path
from typing import Any

import google_crc32c

PROMPT = "Question: {question}\nContext: {context}\nAnswer:"


def publish(directory: Path, files: dict[str, bytes], **changes: Any) -> Path:
    """Writes `files`, a manifest that describes them, and the mark of a finished version."""
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return finish(directory, **changes)


def finish(directory: Path, **changes: Any) -> Path:
    """Describes what lies in `directory` already."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    manifest = {
        "format": 1,
        "run_id": directory.name,
        "model": "tiny",
        "prompt": PROMPT,
        "completion": " {answer}",
        "files": [
            {
                "name": path.relative_to(directory).as_posix(),
                "size": path.stat().st_size,
                "crc32c": crc32c(path.read_bytes()),
            }
            for path in paths
        ],
        **changes,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))
    (directory / "_SUCCESS").touch()
    return directory


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()
