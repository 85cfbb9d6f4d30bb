"""What rows must not share across training and evaluation: the tables that they are about."""

import re

from finetune.data.example import Example

NAME = r'(?:"([^"]+)"|`([^`]+)`|\[([^\]]+)\]|\'([^\']+)\'|([^\s("`\[\';,]+))'
TABLE = re.compile(r"create\s+(?:temp\w*\s+)?table\s+(?:if\s+not\s+exists\s+)?" + NAME, re.I)
COLUMN = re.compile(r"\s*" + NAME)
# In sql-create-context the tables of WikiSQL's second part are called table_name_0 to table_name_99
# whatever is in them: such a name says nothing without its columns. `table_11206916_1`, of the
# first part, names one table.
GENERIC = re.compile(r"table(?:_?name)?(?:_?\d{1,3})?")
CONSTRAINTS = {"primary", "foreign", "unique", "check", "constraint", "key", "index"}


def shared_keys(example: Example) -> list[str]:
    """
    The tables that CREATE TABLE statements of a row's context (else prompt) declare: their names in
    lower case, with their columns where the name is a generic one.

    Contexts cut a table differently for each question (`head (age)`, `head (name, age)`), so that a
    telling name counts alone. A row that declares no table has its context and its prompt, spaces
    and case aside.
    """
    for text in (example.context, example.prompt):
        if keys := [_key(text, match) for match in TABLE.finditer(text)]:
            return list(dict.fromkeys(keys))
    texts = (" ".join(text.lower().split()) for text in (example.prompt, example.context))
    return list(dict.fromkeys(f"text {text}" for text in texts if text)) or ["text "]


def _key(text: str, match: re.Match[str]) -> str:
    name = _name(match)
    if not GENERIC.fullmatch(name):
        return f"table {name}"
    return f"table {name} ({', '.join(sorted(_columns(text, match.end())))})"


def _columns(text: str, position: int) -> set[str]:
    """The columns in the parentheses that follow; types may have parentheses of their own."""
    start = text.find("(", position)
    if start == -1 or text[position:start].strip():
        return set()
    columns, depth, begin = set(), 0, start + 1
    for place in range(start, len(text)):
        character = text[place]
        depth += (character == "(") - (character == ")")
        if depth == 0 or (depth == 1 and character == ","):
            if column := COLUMN.match(text, begin, place):
                columns.add(_name(column))
            begin = place + 1
        if depth == 0:
            break
    return columns - CONSTRAINTS


def _name(match: re.Match[str]) -> str:
    return next(filter(None, match.groups())).lower()
