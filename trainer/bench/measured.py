"""What one recipe came to, and the line of the table that says so."""

from dataclasses import dataclass

COLUMNS = ("recipe", "tokens/s", "of peak", "job s", "job tokens/s", "GB", "loss")
WIDTHS = (-44, 10, 9, 8, 14, 7, 9)  # negative: to the left


def row(*cells: str) -> str:
    """Cells below one another."""
    return "".join(
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, width in zip(cells, WIDTHS, strict=True)
    )


@dataclass(frozen=True)
class Measured:
    """
    `speed`: real tokens a second once warm. `job_seconds`: a job of `job_tokens`, with loading and
    whatever compiling it does; where fewer steps ran, the others are taken to run at `speed`.
    `memory`: bytes allocated on the GPU at most.
    """

    recipe: str
    speed: float
    job_seconds: float
    job_tokens: int
    memory: int
    loss: float

    def line(self, flops_per_token: float, peak: float | None) -> str:
        """A line below COLUMNS."""
        share = f"{self.speed * flops_per_token / peak:.0%}" if peak else "-"
        return row(
            self.recipe,
            f"{self.speed:,.0f}",
            share,
            f"{self.job_seconds:,.1f}",
            f"{self.job_tokens / self.job_seconds:,.0f}",
            f"{self.memory / 1e9:.1f}",
            f"{self.loss:.4f}",
        )


def warm(marks: list[tuple[float, int]], skipped: int) -> float:
    """Tokens a second between marks (seconds, tokens so far), without the first ones."""
    (start, before), (end, after) = marks[min(skipped, len(marks) - 2)], marks[-1]
    return (after - before) / max(end - start, 1e-9)
