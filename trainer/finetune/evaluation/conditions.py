"""What queries compare their columns with: the values that made-up rows have to lie around."""

from collections import defaultdict
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

Value = int | float | str

# SQLite's integers have 64 bits.
LARGEST = 2.0**62
FLIPPED = {"GT": "LT", "GTE": "LTE", "LT": "GT", "LTE": "GTE"}
COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Is,
    exp.Like,
    exp.ILike,
    exp.In,
    exp.Between,
)


@dataclass
class Conditions:
    """
    By column, in lower case: what it is compared with (operator and value), and which columns are
    compared with it.
    """

    compared: dict[str, list[tuple[str, Value]]] = field(default_factory=lambda: defaultdict(list))
    joined: list[tuple[str, str]] = field(default_factory=list)
    numeric: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)
    counts: set[int] = field(default_factory=set)


def conditions_of(queries: list[str], columns: set[str]) -> Conditions:
    """
    Collects over several queries; one that does not parse adds nothing. `columns` are those of the
    tables.
    """
    conditions = Conditions()
    for query in queries:
        try:
            tree = sqlglot.parse_one(query, dialect="sqlite")
        except (sqlglot.errors.SqlglotError, RecursionError):
            continue
        if tree is not None:
            _collect(tree, columns, conditions)
    return conditions


def _collect(tree: exp.Expr, columns: set[str], conditions: Conditions) -> None:
    for node in tree.find_all(*COMPARISONS):
        _compare(node, columns, conditions)
    for node in tree.find_all(exp.Sum, exp.Avg, exp.Max, exp.Min):
        conditions.numeric.update(_columns(node, columns))
    for node in tree.find_all(exp.Group):
        conditions.grouped.update(_columns(node, columns))
    for node in tree.find_all(exp.SetOperation):
        _join(_projected(node.left, columns), _projected(node.right, columns), conditions)


def _compare(node: exp.Expr, columns: set[str], conditions: Conditions) -> None:
    operator = type(node).__name__.upper()
    left = node.this
    others = [
        *node.args.get("expressions", []),
        *filter(None, map(node.args.get, ("expression", "low", "high"))),
    ]
    if isinstance(node.args.get("query"), exp.Expr):
        others.append(node.args["query"])
    for right in others:
        names, values = _columns(left, columns), _values(right, columns)
        flipped = not names and bool(_columns(right, columns))
        if flipped:
            names, values = _columns(right, columns), _values(left, columns)
        counted = (right if flipped else left).find(exp.AggFunc)
        if counted is not None:
            conditions.counts.update(
                int(value) for value in values if isinstance(value, int | float)
            )
        elif values:
            for name in names:
                name_operator = FLIPPED.get(operator, operator) if flipped else operator
                conditions.compared[name] += [(name_operator, value) for value in values]
        else:
            select = right.find(exp.Select)
            _join(
                names,
                _projected(select, columns) if select else _columns(right, columns),
                conditions,
            )


def _columns(node: exp.Expr, columns: set[str]) -> list[str]:
    found = (column.name.lower() for column in node.find_all(exp.Column))
    return [name for name in found if name in columns]


def _values(node: exp.Expr, columns: set[str]) -> list[Value]:
    """Literals below a node. SQLite takes "x" for a string where no column is called x."""
    values: list[Value] = []
    if node.find(exp.Select):
        return values
    for literal in node.find_all(exp.Literal, exp.Column):
        negative = isinstance(literal.parent, exp.Neg)
        if isinstance(literal, exp.Column):
            if literal.this.args.get("quoted") and literal.name.lower() not in columns:
                values.append(literal.name)
        elif literal.is_string:
            values.append(literal.this)
        elif abs(number := _number(literal.this)) < LARGEST:
            number = -number if negative else number
            values.append(int(number) if number.is_integer() else number)
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # hexadecimal and the like: too rare to lie rows around
        return LARGEST


def _projected(select: exp.Expr | None, columns: set[str]) -> list[str]:
    return [name for item in select.selects for name in _columns(item, columns)] if select else []


def _join(left: list[str], right: list[str], conditions: Conditions) -> None:
    conditions.joined += zip(left, right, strict=False)
