"""What an evaluation comes to. Without torch, so that a kept one can be judged at once."""

from dataclasses import asdict, dataclass
from typing import Any

from finetune.evaluation.scoring import Row


@dataclass(frozen=True)
class Evaluation:
    """
    `metrics` are those of `metrics.json`; `rows` hold, for each row that was answered, its id,
    prompt, expected answer and answer, and every metric (None where it has no meaning for the row).
    """

    metrics: dict[str, Any]
    rows: list[Row]

    def as_json(self) -> dict[str, Any]:
        """What `evaluation.json` keeps."""
        return {"format": 1, **asdict(self)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Evaluation":
        """Raises KeyError or TypeError where it is something else."""
        return cls(dict(kept["metrics"]), list(kept["rows"]))
