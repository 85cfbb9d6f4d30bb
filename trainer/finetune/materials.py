"""What a run works with: base, tokenizer and rows, each fetched when it is first needed."""

from functools import cached_property
from pathlib import Path
from typing import Any

from finetune.data.dataset import Examples, load_examples
from finetune.data.encoding import Encoded, encode
from finetune.data.held_out import Split, hold_out
from finetune.data.plain_template import plain_template
from finetune.data.rows import Rows, read_rows
from finetune.data.source import Source, is_hub_id
from finetune.settings import Settings
from finetune.training.base_model import fetch_base, load_tokenizer
from finetune.training.inputs import Inputs
from finetune.verdict import BadInput


class Materials:
    """
    `scratch` is a local directory (memory, on Cloud Run). With `trained_on`, the inputs of an
    adapter that is finished, Hub revisions are those: a branch may have moved since.
    """

    def __init__(self, settings: Settings, scratch: Path, trained_on: Inputs | None = None) -> None:
        self._scratch = scratch
        known = trained_on or {}
        if "base" in known and is_hub_id(settings.model_name):
            settings = settings.model_copy(update={"model_revision": known["base"]})
        if "dataset" in known and is_hub_id(settings.dataset_name):
            settings = settings.model_copy(update={"dataset_revision": known["dataset"]})
        self._settings = settings
        self.given_template: str | None = None

    @cached_property
    def base(self) -> Source:
        """The base's files in a local directory, and its resolved revision."""
        return fetch_base(self._settings, self._scratch)

    @cached_property
    def tokenizer(self) -> Any:
        """The base's, with a chat template; `given_template` is set where it has none itself."""
        tokenizer = load_tokenizer(self.base.path)
        if not tokenizer.chat_template:
            tokenizer.chat_template = plain_template(tokenizer, self._settings)
            self.given_template = tokenizer.chat_template
        return tokenizer

    @cached_property
    def rows(self) -> Rows:
        """The rows as they are. They are small, and most faults are in them: to be read first."""
        return read_rows(self._settings, self._scratch)

    @cached_property
    def examples(self) -> Examples:
        """The usable rows, and the data set's resolved revision."""
        return load_examples(self._settings, self._scratch, self.tokenizer, self.rows)

    @cached_property
    def split(self) -> Split:
        """Rows to train on, to choose the checkpoint by, and to judge by."""
        settings = self._settings
        split = hold_out(self.examples.rows, settings.evaluation_rows, settings.dataset_limit)
        if not split.training:
            raise BadInput(
                f"no row of DATASET_NAME={settings.dataset_name} is left to train on: "
                "set a smaller EVALUATION_ROWS, or add rows"
            )
        return split

    @cached_property
    def documents(self) -> list[Encoded]:
        """The training rows as tokens and labels."""
        return encode(self.split.training, self.tokenizer)

    @cached_property
    def validation(self) -> list[Encoded]:
        """The validation rows as tokens and labels."""
        return encode(self.split.validation, self.tokenizer)
