"""Templates of prompt and completion: text with {placeholders} in braces."""

import re
from collections.abc import Iterable
from string import Formatter


def placeholders(template: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def require_placeholders(template: str, known: Iterable[str] | None) -> None:
    """Raises ValueError unless there are bare placeholders, all of them known (None: any)."""
    try:
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f"{error}; write a literal brace twice") from error
    if not fields:
        raise ValueError("it has no placeholder")
    if any(spec or conversion for _, _, spec, conversion in fields):
        raise ValueError("a placeholder is a bare name in braces")
    if known is not None and (unknown := sorted(placeholders(template) - set(known))):
        raise ValueError(f"{listed(unknown)} not among {listed(known)} of DATASET_COLUMNS")


def listed(names: Iterable[str]) -> str:
    """Names as a template has them: {question}, {context}."""
    return ", ".join("{" + re.sub(r"[{}]", "", name) + "}" for name in names)
