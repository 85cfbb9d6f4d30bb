"""
Whether two SQL texts are the same query written in another way, by their syntax trees alone.

It says no to many queries that mean the same, and so complements execution match, which runs them
on made-up rows and could, if rarely, say yes to two that differ.
"""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

COMMUTATIVE = (exp.EQ, exp.NEQ, exp.Add, exp.Mul)
FLIPPED = {exp.GT: exp.LT, exp.GTE: exp.LTE}
OPERATORS = (exp.Binary, exp.Not, exp.Neg, exp.Between, exp.In)

Schema = Mapping[str, frozenset[str]]


def parse(query: str) -> exp.Query | None:
    """The tree of one SELECT (or UNION, INTERSECT, EXCEPT) in SQLite's dialect; None of others."""
    try:
        trees = sqlglot.parse(query, dialect="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None


def normalised(query: str, schema: Schema) -> str | None:
    """
    The query in one canonical text; None where it does not parse.

    Names are lower case and bare; "x" is a text where no column is called so, as SQLite reads it;
    aliases are gone; operands of AND, OR, = and the like are sorted; > is turned round to <.

    Args:
        query: a SELECT.
        schema: the columns of each table, all in lower case.
    """
    tree = parse(query)
    if tree is None:
        return None
    try:
        columns = frozenset().union(*schema.values()) if schema else frozenset()
        tree = tree.copy()
        _settle_names(tree, columns)
        # From the inside out: an outer query may use an inner one's aliases.
        settled: set[int] = set()
        for select in reversed(list(tree.find_all(exp.Select))):
            _without_aliases(select, schema, settled)
        return _sorted(tree).sql(dialect="sqlite", comments=False)
    except RecursionError:
        return None


def _settle_names(tree: exp.Expr, columns: frozenset[str]) -> None:
    for identifier in list(tree.find_all(exp.Identifier)):
        quoted, name = identifier.args.get("quoted"), identifier.this
        column = identifier.parent
        alone = isinstance(column, exp.Column) and not column.table
        if quoted and alone and name.lower() not in columns:
            column.replace(exp.Literal.string(name))
        else:
            identifier.set("this", name.lower())
            identifier.set("quoted", False)


def _without_aliases(select: exp.Select, schema: Schema, settled: set[int]) -> None:
    """`settled` holds the columns, by identity, that an inner query has found its tables for."""
    sources = [
        source
        for source in [
            (select.args.get("from_") or exp.From()).this,
            *(join.this for join in select.args.get("joins") or []),
        ]
        if source is not None
    ]
    names = [source.name for source in sources if isinstance(source, exp.Table)]
    renamed: dict[str, str] = {}
    for number, source in enumerate(sources):
        if isinstance(source, exp.Table) and names.count(source.name) == 1:
            renamed[source.alias_or_name] = source.name
            source.set("alias", None)
        else:  # a table joined with itself, or a query: numbered in the order they stand in
            renamed[source.alias_or_name] = f"source_{number}"
            source.set("alias", exp.TableAlias(this=exp.to_identifier(f"source_{number}")))
    # A qualifier says nothing where one table alone has such a column.
    known = len(names) == len(sources) == len(set(names)) and all(name in schema for name in names)
    for column in select.find_all(exp.Column):
        if column.table not in renamed or id(column) in settled:
            continue
        settled.add(id(column))
        owners = [name for name in names if column.name in schema.get(name, ())]
        if column.find_ancestor(exp.Select) is not select:
            column.set("table", exp.to_identifier(f"outer_{renamed[column.table]}"))
        elif len(sources) == 1 or (known and len(owners) == 1):
            column.set("table", None)
        else:
            column.set("table", exp.to_identifier(renamed[column.table]))
    _without_output_names(select)


def _without_output_names(select: exp.Select) -> None:
    """`SELECT COUNT(*) AS n ... ORDER BY n` becomes `SELECT COUNT(*) ... ORDER BY COUNT(*)`."""
    if select.parent is not None and not isinstance(select.parent, exp.SetOperation):
        return  # of a subquery in FROM the names may be used outside
    meanings = {item.alias: item.this for item in select.selects if isinstance(item, exp.Alias)}
    for clause in ("order", "having", "group"):
        if (part := select.args.get(clause)) is None:
            continue
        for column in list(part.find_all(exp.Column)):
            if not column.table and column.name in meanings:
                column.replace(meanings[column.name].copy())
    for item in list(select.selects):
        if isinstance(item, exp.Alias):
            item.replace(item.this)


def _sorted(tree: exp.Expr) -> exp.Expr:
    """Sorts what may be sorted, and sets parentheses by the tree alone, from the leaves up."""
    for node in reversed(list(tree.walk())):
        new = _canonical(node)
        parent = node.parent
        inner = new.this if isinstance(new, exp.Paren) else new
        if isinstance(inner, OPERATORS) and not isinstance(parent, exp.Paren):
            # The generator writes parentheses where the tree has them and nowhere else.
            chained = isinstance(inner, exp.Connector) and type(inner) is type(parent)
            wrapped = isinstance(parent, OPERATORS) and not chained
            # A copy: as the child of something new the node would no longer know its place.
            new = exp.Paren(this=inner.copy()) if wrapped else inner
        elif isinstance(new, exp.Paren) and isinstance(parent, exp.Paren):
            new = inner
        if new is node:
            continue
        if node is tree:
            tree = new
        else:
            node.replace(new)
    return tree


def _canonical(node: exp.Expr) -> exp.Expr:
    """One node whose children are canonical already."""
    match node:
        case exp.And() | exp.Or():
            operands = {_text(operand): operand for operand in node.flatten(unnest=False)}
            first, *others = (operands[text].copy() for text in sorted(operands))
            for operand in others:
                first = type(node)(this=first, expression=operand)
            return first
        case exp.GT() | exp.GTE():
            flipped = FLIPPED[type(node)]
            return flipped(this=node.expression.copy(), expression=node.this.copy())
        case _ if isinstance(node, COMMUTATIVE) and _text(node.expression) < _text(node.this):
            return type(node)(this=node.expression.copy(), expression=node.this.copy())
        case exp.In() if node.expressions:
            node.set("expressions", sorted(node.expressions, key=_text))
        case exp.Ordered():
            node.set("nulls_first", None)
            node.set("desc", bool(node.args.get("desc")))
        case exp.Join() if (node.kind, node.side) in (("INNER", ""), ("OUTER", node.side or "-")):
            node.set("kind", None)
    return node


def _text(node: exp.Expr) -> str:
    return node.sql(dialect="sqlite", comments=False)
