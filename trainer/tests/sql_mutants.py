"""
Wrong queries made from right ones by one change, and proof that they are wrong.

The proof knows nothing of the scorer: it draws small databases at random until one shows a
difference that does not hang on the order in which rows are stored.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

OPERATORS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
AGGREGATES = (exp.Max, exp.Min, exp.Sum, exp.Avg, exp.Count)


def mutants(query: str, context: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """`(kind, query)` for each way to change one thing; not all of them change the meaning."""
    tree = sqlglot.parse_one(query, dialect="sqlite")
    tables = {
        create.this.this.name: [column.name for column in create.this.expressions]
        for create in sqlglot.parse(context, dialect="sqlite")
    }
    columns = [column for names in tables.values() for column in names]
    unchanged = tree.sql(dialect="sqlite")
    for place, node in enumerate(tree.walk()):
        for kind, replacement in _changes(node, tables, columns, rng):
            copy = tree.copy()
            target = next(n for number, n in enumerate(copy.walk()) if number == place)
            if replacement is None:  # a clause of a query: `kind` is "kind:clause"
                target.set(kind.split(":")[1], None)
            elif target is copy:
                copy = replacement
            else:
                target.replace(replacement.copy())
            text = copy.sql(dialect="sqlite")
            if text != unchanged:
                yield kind.split(":")[0], text


def _changes(node, tables, columns, rng) -> Iterator[tuple[str, exp.Expr | None]]:
    if isinstance(node, OPERATORS):
        kind = "subquery comparison" if node.find(exp.Select) else "comparison"
        in_having = node.find(exp.AggFunc) and not node.find(exp.Select)
        kind = "having" if in_having else kind
        if not node.find_ancestor(exp.Join):
            for other in OPERATORS:
                if other is not type(node):
                    yield kind, other(this=node.this.copy(), expression=node.expression.copy())
    if isinstance(node, AGGREGATES):
        inner = node.this
        if isinstance(inner, (exp.Star, exp.Distinct)):
            inner = exp.column(rng.choice(columns))
        for other in AGGREGATES:
            if other is not type(node):
                yield "aggregate", other(this=inner.copy())
        if isinstance(node, exp.Count) and not isinstance(node.this, (exp.Star, exp.Distinct)):
            yield "distinct", exp.Count(this=exp.Distinct(expressions=[node.this.copy()]))
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
            yield "distinct", exp.Count(this=node.this.expressions[0].copy())
    if isinstance(node, exp.Select):
        copy = node.copy()
        if node.args.get("distinct"):
            yield "distinct:distinct", None
        elif not node.find(exp.AggFunc):
            yield "distinct", copy.distinct()
        if node.args.get("where"):
            yield "dropped condition:where", None
        if node.args.get("joins"):
            for number, join in enumerate(node.args["joins"]):
                other = node.copy()
                other.args["joins"][number].set("side", None if join.side else "LEFT")
                yield "join kind", other
        if node.args.get("group"):
            other = node.copy()
            group = other.args["group"]
            name = rng.choice(columns)
            group.set("expressions", [exp.column(name)])
            yield "group column", other
        if node.args.get("order") and not node.args.get("limit"):
            yield "order:order", None
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        own = next((names for names in tables.values() if node.name in names), None)
        if own:
            kind = "join column" if node.find_ancestor(exp.Join) else "column"
            kind = "group column" if node.find_ancestor(exp.Group) else kind
            for name in rng.sample(own, min(3, len(own))):
                if name != node.name:
                    changed = node.copy()
                    changed.set("this", exp.to_identifier(name))
                    yield kind, changed
    if isinstance(node, exp.Literal) or _is_text(node, columns):
        yield from _literals(node, rng)
    if isinstance(node, exp.Between):
        low, high = node.args["low"], node.args["high"]
        yield (
            "between",
            exp.And(
                this=exp.GT(this=node.this.copy(), expression=low.copy()),
                expression=exp.LT(this=node.this.copy(), expression=high.copy()),
            ),
        )
    if isinstance(node, (exp.And, exp.Or)):
        other = exp.Or if isinstance(node, exp.And) else exp.And
        yield (
            "and/or",
            exp.Paren(this=other(this=node.this.copy(), expression=node.expression.copy())),
        )
        yield "dropped condition", node.this.copy()
        yield "dropped condition", node.expression.copy()
    if isinstance(node, exp.Ordered):
        yield "order", exp.Ordered(this=node.this.copy(), desc=not node.args.get("desc"))
    if isinstance(node, exp.Not):
        yield "not in", node.this.copy()
    elif isinstance(node, (exp.In, exp.Like)) and not isinstance(node.parent, exp.Not):
        yield "not in", exp.Not(this=node.copy())
    if isinstance(node, exp.SetOperation):
        for other in (exp.Union, exp.Except, exp.Intersect):
            if other is not type(node):
                yield (
                    "set operation",
                    other(this=node.this.copy(), expression=node.expression.copy(), distinct=True),
                )
        if isinstance(node, exp.Union):
            yield (
                "set operation",
                exp.Union(this=node.this.copy(), expression=node.expression.copy(), distinct=False),
            )


def _is_text(node: exp.Expr, columns: list[str]) -> bool:
    return (
        isinstance(node, exp.Column)
        and bool(node.this.args.get("quoted"))
        and node.name not in columns
    )


def _literals(node, rng) -> Iterator[tuple[str, exp.Expr]]:
    if isinstance(node, exp.Column) or node.is_string:
        text = node.name
        kind = "like" if isinstance(node.parent, exp.Like) else "text"
        changes = [text + "s", text[:-1], text.swapcase(), "Oslo", text.replace("1", "2")]
        if kind == "like":
            changes = [text.strip("%"), f"%{text.strip('%')}", f"{text.strip('%')}%", "%ab%"]
        for changed in changes:
            if changed != text:
                yield kind, exp.Literal.string(changed)
    else:
        number = int(float(node.this))
        kind = "limit" if isinstance(node.parent, exp.Limit) else "number"
        if kind == "number" and node.parent and node.parent.find(exp.Count):
            kind = "having"
        kind = "between" if isinstance(node.parent, exp.Between) else kind
        for changed in (number + 1, number - 1, number * 10, rng.randint(2, 99)):
            if changed not in (number, 0) or (changed == 0 and kind != "limit"):
                yield kind, exp.Literal.number(changed)


class BruteForce:
    """Small random databases for a context, and what two queries return on them."""

    def __init__(self, context: str, queries: list[str], seed: str) -> None:
        self.rng = random.Random(seed)
        self.database = sqlite3.connect(":memory:")
        self.database.executescript(context)
        self.tables = {
            name: [row[1:3] for row in self.database.execute(f"PRAGMA table_info({name})")]
            for (name,) in self.database.execute("SELECT name FROM sqlite_master")
        }
        numbers, texts, self.counts = [0, 1, 2, 3], ["a", "b", "ab"], [2]
        for query in queries:
            for node in sqlglot.parse_one(query, dialect="sqlite").find_all(
                exp.Literal, exp.Column
            ):
                if isinstance(node, exp.Literal) and not node.is_string:
                    value = int(float(node.this))
                    numbers += [value, value - 1, value + 1]
                    self.counts += [value + 1] if value < 20 else []
                elif isinstance(node, exp.Literal) or node.this.args.get("quoted"):
                    plain = node.name.replace("%", "").replace("_", "x")
                    texts += [plain, "z" + plain, plain + "z", node.name]
        self.numbers, self.texts = list(dict.fromkeys(numbers)), list(dict.fromkeys(texts))

    def differ(self, left: str, right: str, tries: int) -> bool:
        """Whether a database is found on which the two return different rows."""
        ordered = sqlglot.parse_one(left, dialect="sqlite").args.get("order") is not None
        for _ in range(tries):
            rows = self._rows()
            first = self._run(left, rows)
            try:
                second = self._run(right, rows)
            except sqlite3.Error:
                return True
            if self._key(first, ordered) == self._key(second, ordered):
                continue
            turned = self._run(left, {name: values[::-1] for name, values in rows.items()})
            if self._key(first, ordered) == self._key(turned, ordered):
                return True
        return False

    def _rows(self):
        rng = self.rng
        size = rng.choice((1, 2, 3, 4, 6, 9, max(self.counts) + rng.randint(0, 2)))
        numbers = rng.sample(self.numbers, min(len(self.numbers), rng.choice((2, 3, 5, 9))))
        texts = rng.sample(self.texts, min(len(self.texts), rng.choice((2, 3, 5))))
        nulls = rng.choice((0, 0, 0.1))
        rows = {}
        for name, columns in self.tables.items():
            rows[name] = []
            for _ in range(size):
                if rows[name] and rng.random() < 0.3:
                    row = list(rng.choice(rows[name]))
                    place = rng.randrange(len(row))
                    row[place] = self._value(columns[place][1], numbers, texts)
                else:
                    row = [self._value(kind, numbers, texts) for _, kind in columns]
                rows[name].append([None if rng.random() < nulls else cell for cell in row])
        return rows

    def _value(self, kind, numbers, texts):
        if kind == "INTEGER" or self.rng.random() < 0.2:
            return self.rng.choice(numbers)
        return self.rng.choice(texts)

    def _run(self, query, rows):
        for name, values in rows.items():
            self.database.execute(f"DELETE FROM {name}")
            places = ", ".join("?" * len(self.tables[name]))
            self.database.executemany(f"INSERT INTO {name} VALUES ({places})", values)
        return self.database.execute(query).fetchall()

    @staticmethod
    def _key(result, ordered):
        rows = [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in result]
        return rows if ordered else Counter(rows)
