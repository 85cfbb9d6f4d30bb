"""Other ways to write a query, made by rules that hold in SQL whatever the rows are."""

import random
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

FLIPPED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ,
           exp.NEQ: exp.NEQ}  # fmt: skip
NEGATED = {exp.GT: exp.LTE, exp.GTE: exp.LT, exp.LT: exp.GTE, exp.LTE: exp.GT, exp.EQ: exp.NEQ,
           exp.NEQ: exp.EQ}  # fmt: skip


def equivalents(query: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """`(rule, query)` for each rule that applies."""
    tree = sqlglot.parse_one(query, dialect="sqlite")
    text = tree.sql(dialect="sqlite")
    yield "lower case", re.sub(r"\b[A-Z]{2,}\b(?=[^'\"]*(?:['\"][^'\"]*['\"][^'\"]*)*$)",
                               lambda word: word[0].lower(), query)  # fmt: skip
    yield "line breaks and a semicolon", text.replace(" FROM ", "\n  FROM\t") + " ;"
    yield "!=", query.replace("<>", "!=")
    yield "aliases", re.sub(r"\bT([123])\b", r"other_\1", query)
    for rule, change in (
        ("operands turned round", _flip),
        ("AND and OR in another order", _reorder),
        ("quoted names", _quote),
        ("parentheses", _parenthesise),
        ("BETWEEN as two comparisons", _spread),
        ("IN as OR", _as_or),
        ("NOT of the opposite", _negate),
        ("single quotes", _single_quotes),
        ("names for results", _named),
        ("INNER JOIN", _inner),
        ("tables in another order", _swap_tables),
    ):
        changed = change(tree.copy(), rng)
        if changed is not None and (written := changed.sql(dialect="sqlite")) != text:
            yield rule, written


def _each(tree: exp.Expr, kinds, change) -> exp.Expr:
    for node in list(tree.find_all(*kinds)):
        new = change(node)
        if new is not None:
            node.replace(new)
    return tree


def _flip(tree, rng):
    return _each(tree, FLIPPED, lambda node: FLIPPED[type(node)](
        this=node.expression.copy(), expression=node.this.copy()))  # fmt: skip


def _reorder(tree, rng):
    return _each(tree, (exp.And, exp.Or), lambda node: type(node)(
        this=node.expression.copy(), expression=node.this.copy())
        if isinstance(node.this, exp.Paren) or not isinstance(node.this, exp.Connector)
        else None)  # fmt: skip


def _quote(tree, rng):
    for node in tree.find_all(exp.Column):
        if not node.this.args.get("quoted") and not isinstance(node.this, exp.Star):
            node.this.set("quoted", True)
    return tree


def _parenthesise(tree, rng):
    for node in list(tree.find_all(*FLIPPED)):
        node.replace(exp.Paren(this=node.copy()))
    return tree


def _spread(tree, rng):
    def change(node):
        low = exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
        high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
        return exp.Paren(this=exp.And(this=low, expression=high))

    return _each(tree, (exp.Between,), change)


def _as_or(tree, rng):
    def change(node):
        if not node.expressions:
            return None
        parts = [exp.EQ(this=node.this.copy(), expression=v.copy()) for v in node.expressions]
        return exp.Paren(this=exp.or_(*parts))

    return _each(tree, (exp.In,), change)


def _negate(tree, rng):
    return _each(tree, NEGATED, lambda node: None if node.find_ancestor(exp.Join) else exp.Not(
        this=exp.Paren(this=NEGATED[type(node)](
            this=node.this.copy(), expression=node.expression.copy()))))  # fmt: skip


def _single_quotes(tree, rng):
    """Where "x" is no column but a text: those with a capital, a space or a sign in them."""
    return _each(tree, (exp.Column,), lambda node: exp.Literal.string(node.name)
                 if node.this.args.get("quoted") and not re.fullmatch(r"[a-z_]+", node.name)
                 else None)  # fmt: skip


def _named(tree, rng):
    select = tree if isinstance(tree, exp.Select) else None
    if select is None:
        return None
    for number, item in enumerate(list(select.selects)):
        if not isinstance(item, (exp.Alias, exp.Star)):
            item.replace(exp.Alias(this=item.copy(), alias=exp.to_identifier(f"result_{number}")))
    return tree


def _inner(tree, rng):
    for join in tree.find_all(exp.Join):
        if not join.side and not join.kind:
            join.set("kind", "INNER")
    return tree


def _swap_tables(tree, rng):
    for select in tree.find_all(exp.Select):
        joins = select.args.get("joins") or []
        if len(joins) == 1 and not joins[0].side:
            first, second = select.args["from_"].this.copy(), joins[0].this.copy()
            select.args["from_"].set("this", second)
            joins[0].set("this", first)
    return tree
