"""Query templates of the sample data: SQL, and several ways to ask for it.

They stand in sample_queries.txt: a line of SQL, then its phrasings; those after a bar are held
out, no training row uses them. In the texts, {t}, {P} and {S} are the table, its plural and its
singular, {c} and {d} text columns, {z} a value of {c}, {v} and {w} values of {d}, {n} a number
column, {x} and {y} numbers, {k} a small number, {a} the first letter of {z}. In joins {T}, {Q} and
{R} are the parent table, its plural and its singular, {e} its first column, {u} a value of it.
"""

from dataclasses import dataclass
from pathlib import Path

# What a question may say of a number column: {more}, {less}, {most}, {least}.
COMPARED = {
    "age": ("older", "younger", "oldest", "youngest"),
    "price": ("costlier", "cheaper", "costliest", "cheapest"),
    "weight": ("heavier", "lighter", "heaviest", "lightest"),
    "height": ("taller", "shorter", "tallest", "shortest"),
    "length": ("longer", "shorter", "longest", "shortest"),
    "speed": ("faster", "slower", "fastest", "slowest"),
}


@dataclass(frozen=True)
class Query:
    """One template: SQL, the phrasings of training rows, and the ones that are held out."""

    sql: str
    phrasings: tuple[str, ...]
    held_out: tuple[str, ...]

    @property
    def joins(self) -> bool:
        """Whether it needs a table with a parent."""
        return "{T}" in self.sql

    @property
    def compares(self) -> bool:
        """Whether it needs a number column that COMPARED has words for."""
        return any(f"{{{word}}}" in self.phrasings[0] for word in ("more", "less", "most", "least"))


def _queries(text: str) -> list[Query]:
    queries: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("  "):
            queries[-1][1].append(line.strip())
        else:
            queries.append((line, []))
    return [
        Query(
            sql,
            tuple(line for line in lines if not line.startswith("| ")),
            tuple(line.removeprefix("| ") for line in lines if line.startswith("| ")),
        )
        for sql, lines in queries
    ]


QUERIES = _queries(Path(__file__).with_name("sample_queries.txt").read_text(encoding="utf-8"))
