"""What queries compare their columns with: the values that made-up rows have to lie around."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

Value = int | float | str | None

# SQLite's integers have 64 bits.
LARGEST = 2.0**62
# Numbers that columns hold which are compared with nothing.
SMALL = (1, 2, 3, 5, 8, 13, 0, 21)
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
    exp.Glob,
    exp.In,
    exp.Between,
)


@dataclass
class Conditions:
    """
    By column, in lower case: what it is compared with (operator and value), and which columns are
    compared with it. `counts` are the numbers that counts are compared with, `limit` is the largest
    LIMIT with its OFFSET. `keys` are, by table, the columns that the first query groups by while it
    shows others of the table: it takes them for its key.
    """

    compared: dict[str, list[tuple[str, Value]]] = field(default_factory=lambda: defaultdict(list))
    joined: list[tuple[str, str]] = field(default_factory=list)
    numeric: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)
    counts: set[int] = field(default_factory=set)
    limit: int = 0
    keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def conditions_of(queries: Iterable[exp.Query | None], columns: set[str]) -> Conditions:
    """
    Collects over several queries; None (one that does not parse) adds nothing. `columns` are those
    of the tables, in lower case.
    """
    conditions = Conditions()
    for number, tree in enumerate(queries):
        if tree is not None:
            collector = _Collector(tree, columns, conditions)
            collector.collect()
            if number == 0:
                collector.collect_keys()
    return conditions


class _Collector:
    def __init__(self, tree: exp.Query, columns: set[str], conditions: Conditions) -> None:
        self.tree, self.columns, self.conditions = tree, columns, conditions
        # What a name stands for that a query gives to one of its results.
        self.meanings = {alias.alias.lower(): alias.this for alias in tree.find_all(exp.Alias)}

    def collect(self) -> None:
        for node in self.tree.find_all(*COMPARISONS):
            self._compare(node)
        for node in self.tree.find_all(exp.Sum, exp.Avg, exp.Max, exp.Min, exp.Sub, exp.Add):
            self.conditions.numeric.update(self._columns(node))
        for node in self.tree.find_all(exp.Group):
            self.conditions.grouped.update(self._columns(node))
        # A UNION is left out: values that both sides share would hide what one of them lacks.
        for node in self.tree.find_all(exp.Intersect, exp.Except):
            self._join(self._projected(node.left), self._projected(node.right))
        for node in self.tree.find_all(exp.Query):
            parts = (node.args.get("limit"), node.args.get("offset"))
            sizes = [int(_number(part.expression)) for part in parts if part is not None]
            self.conditions.limit = max(self.conditions.limit, sum(sizes))

    def collect_keys(self) -> None:
        """`SELECT T2.name, COUNT(*) ... GROUP BY T2.id`: an id has one name."""
        for select in self.tree.find_all(exp.Select):
            grouped = set(self._columns(select.args.get("group") or exp.Group()))
            if not select.args.get("joins"):
                continue  # of one table the groups have several rows, or there were none to count
            tables = {t.alias_or_name: t.name.lower() for t in select.find_all(exp.Table)}
            for item in select.selects if grouped else []:
                for column in [] if item.find(exp.AggFunc) else item.find_all(exp.Column):
                    if column.name.lower() not in grouped:
                        owners = [tables.get(column.table)] if column.table else tables.values()
                        for owner in filter(None, owners):
                            self.conditions.keys[owner] |= grouped

    def _compare(self, node: exp.Expr) -> None:
        operator = type(node).__name__.upper()
        if isinstance(node, exp.Between):
            self._set_against("GTE", node.this, node.args["low"])
            self._set_against("LTE", node.this, node.args["high"])
        elif isinstance(node, exp.In):
            for value in node.expressions:
                self._set_against("EQ", node.this, value)
            if isinstance(node.args.get("query"), exp.Expr):
                self._set_against("EQ", node.this, node.args["query"])
        else:
            self._set_against(operator, node.this, node.expression)

    def _set_against(self, operator: str, left: exp.Expr, right: exp.Expr) -> None:
        names, values = self._columns(left), self._values(right)
        if not names and not values and not isinstance(left, exp.AggFunc):
            operator, left, right = FLIPPED.get(operator, operator), right, left
            names, values = self._columns(left), self._values(right)
        if not values and isinstance(right, exp.Null):
            values = [None]
        if values and (self._is_count(left) or not names):
            self.conditions.counts.update(
                int(value) for value in values if isinstance(value, (int, float))
            )
        elif values:
            # Of SUM(x) > 100 too: a group of one row has its x as sum, mean, least and greatest.
            numbers = [value for value in values if isinstance(value, int | float)]
            if left.find(exp.Sum):  # and one of two rows has half of it
                values = [*values, *(value // 2 + 1 for value in numbers)]
            if (difference := left.find(exp.Sub)) and len(names) > 1:
                # The first lies as far from the number as the second is large.
                names = self._columns(difference.this)
                values = [value + step for value in numbers for step in SMALL]
            for name in names:
                self.conditions.compared[name] += [(operator, value) for value in values]
        else:
            select = right.find(exp.Select)
            self._join(names, self._projected(select) if select else self._columns(right))

    def _is_count(self, node: exp.Expr) -> bool:
        meant = [
            self.meanings.get(column.name.lower(), column) for column in node.find_all(exp.Column)
        ]
        return any(part.find(exp.Count) for part in (node, *meant))

    def _columns(self, node: exp.Expr) -> list[str]:
        found = []
        for column in node.find_all(exp.Column):
            name = column.name.lower()
            if name in self.columns:
                found.append(name)
            elif name in self.meanings:
                inner = (part.name.lower() for part in self.meanings[name].find_all(exp.Column))
                found += [part for part in inner if part in self.columns]
        return found

    def _values(self, node: exp.Expr) -> list[Value]:
        """Literals below a node. SQLite takes "x" for a string where no column is called x."""
        values: list[Value] = []
        if node.find(exp.Select):
            return values
        for literal in node.find_all(exp.Literal, exp.Column):
            if isinstance(literal, exp.Column):
                name = literal.name
                if literal.this.args.get("quoted") and name.lower() not in self.columns:
                    values.append(name)
            elif literal.is_string:
                values.append(literal.this)
            elif abs(number := _number(literal)) < LARGEST:
                number = -number if isinstance(literal.parent, exp.Neg) else number
                values.append(int(number) if number.is_integer() else number)
        return values

    def _projected(self, select: exp.Expr | None) -> list[str]:
        selects = select.selects if isinstance(select, exp.Query) else []
        return [name for item in selects for name in self._columns(item)]

    def _join(self, left: list[str], right: list[str]) -> None:
        self.conditions.joined += zip(left, right, strict=False)


def _number(node: exp.Expr) -> float:
    try:
        return float(node.this)
    except (TypeError, ValueError):  # hexadecimal and the like: too rare to lie rows around
        return LARGEST
