"""
What attempts of a run have finished, in CHECKPOINT_URI: each phase's files, and its marker last.

    _TRAINED    adapter/ and training.json
    _EVALUATED  evaluation.json and golden.json
    staging/    the version as it will be published, its manifest.json last
"""

import json
from pathlib import Path
from typing import Any

from finetune.marker import Files, described, marked_files, read_marker, write_marker
from finetune.storage.checksum import stored_file
from finetune.storage.storage import Storage
from finetune.training.inputs import Inputs

TRAINED, EVALUATED = "_TRAINED", "_EVALUATED"
ADAPTER, TRAINING, EVALUATION = "adapter", "training.json", "evaluation.json"
GOLDEN = "golden.json"


class Finished:
    """The phases of one run that are finished. `area` is CHECKPOINT_URI."""

    def __init__(self, area: Storage) -> None:
        self._area = area

    def trained_on(self) -> Inputs | None:
        """What the finished adapter was trained on, or None where there is none."""
        marker = self._trained()
        return marker and marker["inputs"]

    def keep_trained(self, directory: Path, training: dict[str, Any], inputs: Inputs) -> None:
        """Keeps `directory/adapter` and what training came to."""
        self._area.delete([TRAINED, EVALUATED])
        (directory / TRAINING).write_text(_json(training), "utf-8")
        paths = [*sorted((directory / ADAPTER).rglob("*")), directory / TRAINING]
        files = {
            path.relative_to(directory).as_posix(): stored_file(path)
            for path in paths
            if path.is_file()
        }
        self._area.upload(directory, list(files))
        write_marker(self._area, TRAINED, files, inputs=inputs)

    def fetch_adapter(self, directory: Path) -> Path:
        """The finished adapter in `directory/adapter`."""
        if not (directory / ADAPTER).is_dir():
            marker = self._trained() or {"files": []}
            names = [name for name in marked_files(marker) if name.startswith(f"{ADAPTER}/")]
            self._area.download(names, directory)
        return directory / ADAPTER

    def training(self) -> dict[str, Any]:
        """What training came to."""
        return json.loads(self._area.read(TRAINING) or "{}")

    def keep_evaluated(
        self, evaluation: dict[str, Any], golden: dict[str, Any] | None = None
    ) -> None:
        """Keeps metrics, results by row and answers, and what golden.json will hold."""
        texts = {EVALUATION: _json(evaluation)}
        if golden is not None:
            texts[GOLDEN] = json.dumps(golden) + "\n"
        for name, text in texts.items():
            self._area.write(name, text)
        files = described({name: text.encode() for name, text in texts.items()})
        write_marker(self._area, EVALUATED, files)

    def evaluation(self) -> dict[str, Any] | None:
        """The evaluation of the finished adapter, or None."""
        return self._evaluated() and json.loads(self._area.read(EVALUATION) or "null")

    def golden(self) -> str | None:
        """The text of golden.json; None where the evaluation came to none."""
        marker = self._evaluated()
        return self._area.read(GOLDEN) if marker and GOLDEN in marked_files(marker) else None

    def forget(self) -> None:
        """Makes training begin again: the markers go, and with them what they stand for."""
        self._area.delete([EVALUATED, TRAINED])

    def _evaluated(self) -> dict[str, Any] | None:
        return read_marker(self._area, EVALUATED, self._small(EVALUATED, EVALUATION, GOLDEN))

    def _trained(self) -> dict[str, Any] | None:
        adapter = self._area.below(ADAPTER).files()
        stored = {f"{ADAPTER}/{name}": file for name, file in adapter.items()}
        return read_marker(self._area, TRAINED, stored | self._small(TRAINED, TRAINING))

    def _small(self, *names: str) -> Files:
        # Not by listing everything: of a folder that would read a staged model as well.
        contents = {name: self._area.read_bytes(name) for name in names}
        return described({name: data for name, data in contents.items() if data is not None})


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True) + "\n"
