"""Someone who takes a version as soon as there is one, as servers do."""

import json
from pathlib import Path
from threading import Event, Thread

from finetune.storage.checksum import stored_file


class Reader(Thread):
    """Looks at the version all the time, as servers do; `faults` are halves that it would take."""

    def __init__(self, version: Path) -> None:
        super().__init__(daemon=True)
        self.version, self.faults, self.looks = version, list[str](), 0
        self._done = Event()

    def run(self) -> None:
        while not self._done.wait(0.001):
            self.looks += 1
            if (self.version / "_SUCCESS").exists():
                self.faults += faults_of(self.version)

    def stop(self) -> list[str]:
        self._done.set()
        self.join()
        return self.faults


def faults_of(version: Path) -> list[str]:
    """Files of a published version that are missing or differ from its manifest."""
    try:
        manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [f"manifest.json: {error}"]
    faults = []
    for file in manifest["files"]:
        path = version / file["name"]
        stored = stored_file(path) if path.is_file() else None
        if stored is None or (stored.size, stored.crc32c) != (file["size"], file["crc32c"]):
            faults.append(file["name"])
    return faults
