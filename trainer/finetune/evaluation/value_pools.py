"""The values that each column of a made-up database may hold."""

import random
import re
from dataclasses import dataclass

from finetune.evaluation.conditions import SMALL, Conditions, Value
from finetune.evaluation.tables import Table

TEXT = ("char", "clob", "text")
NUMERIC = ("int", "real", "num", "dec", "float", "double", "year", "serial")
RANGES = ("GT", "GTE", "LT", "LTE")


@dataclass(frozen=True)
class Pool:
    """
    `literals` are what the column is compared with, `near` lies around them (they come first),
    `satisfying` meets as many of the comparisons as one value can, `common` has nothing to do with
    them. Any may be empty but the last.
    """

    name: str
    numeric: bool
    literals: list[Value]
    near: list[Value]
    satisfying: list[Value]
    common: list[Value]

    def distinct(self, count: int, rng: random.Random) -> list[Value]:
        """So many different values, those that meet the comparisons first."""
        values = list(dict.fromkeys(self.satisfying))
        start = max((int(value) for value in values if isinstance(value, int | float)), default=0)
        more = (
            (start + 1 + number for number in range(count))
            if self.numeric
            else (f"{self.name} {number:03}" for number in range(count))
        )
        values = list(dict.fromkeys([*values, *more]))[:count]
        rng.shuffle(values)
        return values


class Pools:
    """Columns that a query compares with each other share their pool, by their root's name."""

    def __init__(self, tables: list[Table], conditions: Conditions) -> None:
        kinds: dict[str, str] = {}
        for table in tables:
            for name, kind in table.columns.items():
                kinds[name.lower()] = f"{kinds.get(name.lower(), '')} {kind.lower()}"
        self._parent = {name: name for name in kinds}
        for left, right in conditions.joined:
            self._parent[self.root(left)] = self.root(right)
        self.joined = {self.root(name) for pair in conditions.joined for name in pair}
        self.grouped = {self.root(name) for name in conditions.grouped}
        compared: dict[str, list[tuple[str, Value]]] = {root: [] for root in self.roots(kinds)}
        for name, pairs in conditions.compared.items():
            compared[self.root(name)] += pairs
        numbers = {self.root(name) for name in conditions.numeric}
        numbers |= {self.root(n) for n, kind in kinds.items() if any(p in kind for p in NUMERIC)}
        texts = {self.root(n) for n, kind in kinds.items() if any(p in kind for p in TEXT)}
        self._pools = {
            root: _pool(root, list(dict.fromkeys(pairs)), root in numbers, root in texts)
            for root, pairs in compared.items()
        }
        self.compared = [root for root, pairs in compared.items() if pairs]
        # Where one value is asked for, all rows may need it: a key that is unique would find one.
        self.pinned = {
            root
            for root, pairs in compared.items()
            if any(operator not in (*RANGES, "NEQ") for operator, _ in pairs)
        }

    def root(self, column: str) -> str:
        column = column.lower()
        while self._parent[column] != column:
            column = self._parent[column]
        return column

    def roots(self, columns: object = None) -> list[str]:
        return sorted({self.root(name) for name in self._parent})

    def __getitem__(self, root: str) -> Pool:
        return self._pools[root]


def _pool(root: str, compared: list[tuple[str, Value]], numeric: bool, text: bool) -> Pool:
    literals = list(dict.fromkeys(value for _, value in compared))
    numeric = numeric or any(isinstance(value, int | float) for value in literals)
    around = (value for operator, literal in compared for value in _near(operator, literal))
    near: list[Value] = list(dict.fromkeys([*literals, *around]))
    # Nobody can guess these from a query: they tell columns apart, not conditions.
    common: list[Value] = list(SMALL) if numeric else [f"{root} {letter}" for letter in "abcdefg"]
    met = {
        value: sum(_holds(operator, literal, value, text) for operator, literal in compared)
        for value in [*near, *common]
    }
    most = max(met.values(), default=0)
    satisfying = [value for value, count in met.items() if count == most] if most else []
    return Pool(root, numeric, literals, near, satisfying, common)


def _near(operator: str, literal: Value) -> list[Value]:
    """A literal and its neighbours on both sides."""
    if literal is None:
        return [None]
    if not isinstance(literal, str):
        steps = (0, -1, 1) if operator in ("EQ", "NEQ", "IS") else (0, -1, 1, -2, 2, -7, 7, 11, -11)
        return [literal + step for step in steps]
    if operator in ("LIKE", "ILIKE", "GLOB"):
        pattern = literal.replace("*", "%").replace("?", "_") if operator == "GLOB" else literal
        filled = [_filled(pattern, any_, one) for any_, one in FILLINGS]
        core = filled[0]
        return [*filled, f"z{core}", f"{core}z", core[:-1], core[1:], core.swapcase()]
    values: list[Value] = [literal, literal + "z", literal[:-1], literal.swapcase()]
    if operator in RANGES:
        values += [literal + "a", literal[:-2], "0", "~"]
    if number := re.search(r"\d+(?=\D*$)", literal):
        # "5", "1.59%", "2012-03-04": the last number in a text moves by one.
        for step in (-1, 1):
            digits = str(max(int(number[0]) + step, 0)).zfill(len(number[0]))
            values.append(literal[: number.start()] + digits + literal[number.end() :])
    return values


# What stands for % and for _ of a pattern.
FILLINGS = (("", "q"), ("z", "q"), ("zz y", "7"), ("", "qq"), ("z", ""))


def _filled(pattern: str, any_: str, one: str) -> str:
    return pattern.replace("%", any_).replace("_", one)


def _holds(operator: str, literal: Value, value: Value, text: bool) -> bool:
    """Whether SQLite would find a comparison true. A column of text compares numbers as texts."""
    if literal is None or value is None:
        return (literal is value) == (operator in ("IS", "EQ"))
    if operator in ("LIKE", "ILIKE", "GLOB"):
        every, one = ("*", "?") if operator == "GLOB" else ("%", "_")
        pattern = re.escape(str(literal)).replace(re.escape(every), ".*")
        pattern = pattern.replace(re.escape(one), ".")
        return re.fullmatch(pattern, str(value), re.IGNORECASE | re.DOTALL) is not None
    left, right = (str(value), str(literal)) if text else _comparable(value, literal)
    match operator:
        case "NEQ":
            return left != right
        case "GT":
            return left > right
        case "GTE":
            return left >= right
        case "LT":
            return left < right
        case "LTE":
            return left <= right
    return left == right


def _comparable(left: Value, right: Value) -> tuple[tuple[bool, object], tuple[bool, object]]:
    """Numbers come before texts, as in SQLite; a text of digits counts as a number."""

    def key(value: Value) -> tuple[bool, object]:
        if isinstance(value, str):
            try:
                return False, float(value)
            except ValueError:
                return True, value
        return False, value

    return key(left), key(right)
