"""Examples from rows whose columns fill the prompt's and the completion's templates."""

from collections.abc import Callable
from typing import Any

from finetune.data.example import Example
from finetune.data.row_checks import REPAIRED, RowFault, RowReport, blank, text_of
from finetune.data.rows import Row, wanted_columns
from finetune.data.special_text import SpecialText
from finetune.data.templates import placeholders
from finetune.settings import Settings


def examples_of_columns(
    settings: Settings, tokenizer: Any, report: RowReport
) -> Callable[[Row], list[Example]]:
    """
    A function from a row to its one example, which raises RowFault where a field is missing or
    blank or the answer would end early.

    Raises:
        BadInput: PROMPT_TEMPLATE begins with what the tokenizer puts first.
    """
    columns = wanted_columns(settings)
    shown = placeholders(settings.prompt_template) | placeholders(settings.completion_template)
    special = SpecialText(tokenizer)
    special.require_no_beginning(settings.prompt_template)

    def make(row: Row) -> list[Example]:
        values = {}
        for name, column in columns.items():
            try:
                values[name] = text_of(row.values.get(column))
            except RowFault as fault:
                raise RowFault(fault.kind, f"column {column} is {fault}") from None
            if name in shown and blank(values[name]):
                raise RowFault("empty", f"column {column} is blank")
        prompt = special.without_beginning(settings.prompt_template.format(**values))
        completion = special.without_end(settings.completion_template.format(**values))
        special.require_no_end(completion)
        report.note(special.NOTE, special.within(prompt))
        report.note(REPAIRED, "\ufffd" in prompt + completion)
        return [Example(prompt, completion, values.get("context", prompt))]

    return make
