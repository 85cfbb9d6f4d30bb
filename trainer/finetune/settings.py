"""What one training run is asked to do, read from the container's environment and nowhere else."""

import json
import os
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from finetune.data.templates import listed, placeholders, require_placeholders
from finetune.evaluation.evaluation_settings import EvaluationSettings
from finetune.hyperparameters import LOCATION, Hyperparameters, Location
from finetune.training.tracker_names import tracker_names


class Settings(EvaluationSettings, Hyperparameters):
    """
    The environment variables of the job, lower case. Each field's description says what is allowed.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    project_id: str | None = Field(None, description="a Google Cloud project")
    new_model: str = Field("gemma-2b-sql", pattern=r"^[a-z0-9][a-z0-9._-]*$", description="a name")
    run_id: str = Field(pattern=r"^[0-9a-f]{12}$", description="12 hexadecimal digits")
    output_uri: Location = Field(description=LOCATION)
    checkpoint_uri: Location = Field(description=LOCATION + ", other than OUTPUT_URI")
    recipe_version: int = Field(ge=1, description="a whole number of at least 1")
    trainer_source_hash: str = Field(
        pattern=r"^[0-9a-f]{12,64}$", description="12 to 64 hexadecimal digits"
    )

    model_name: str = Field("google/gemma-2b", description="a Hub id, gs://PREFIX or a path")
    model_revision: str = Field("main", description="a branch, tag or commit")
    dataset_name: str = Field(
        "b-mc2/sql-create-context", description="a Hub id, gs://PREFIX or a path"
    )
    dataset_revision: str = Field("main", description="a branch, tag or commit")
    dataset_split: str = Field("train", description="the name of a split")
    dataset_limit: int = Field(5000, ge=-1, description="-1 (all rows) or a number of rows")
    dataset_columns: Annotated[dict[str, str], NoDecode] = Field(
        {"question": "question", "context": "context", "answer": "answer"},
        description='a JSON object from placeholder to column, such as {"question": "question"}',
    )
    prompt_template: str = Field(
        "Question: {question}\nContext: {context}\nAnswer:",
        description="a text with {placeholders} that are keys of DATASET_COLUMNS",
    )
    completion_template: str = Field(
        " {answer}",
        description="a text with {placeholders} that are keys of DATASET_COLUMNS and are not in "
        "PROMPT_TEMPLATE",
    )

    dataset_format: Literal["columns", "messages"] = Field(
        "columns", description="columns (templates) or messages (a chat in one column)"
    )
    dataset_messages: str = Field("messages", description="the column that holds a chat")

    logging_steps: int = Field(5, ge=1, description="a whole number of at least 1")
    checkpoint_minutes: float = Field(5, gt=0, description="a number of minutes above 0")
    task_timeout_seconds: float | None = Field(
        None, gt=0, description="empty (no limit), or the seconds that one attempt has"
    )
    price_per_hour: float | None = Field(
        None, ge=0, description="empty (unknown), or US dollars for an hour of this machine"
    )
    report_to: str = Field(
        "none", description="none, or trackers with commas between, such as tensorboard"
    )

    @field_validator(
        "output_uri",
        "checkpoint_uri",
        "model_name",
        "dataset_name",
        "start_adapter",
        "promotion_must_beat",
    )
    @classmethod
    def _without_trailing_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/")

    @field_validator("checkpoint_uri")
    @classmethod
    def _apart_from_the_version(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("output_uri"):
            raise ValueError("it is OUTPUT_URI, where nothing may be overwritten")
        return value

    @field_validator("dataset_limit")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 would train nothing")
        return value

    @field_validator("dataset_columns", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise ValueError(f"it is not JSON ({error})") from error

    @field_validator("report_to")
    @classmethod
    def _installed(cls, value: str) -> str:
        return ",".join(tracker_names(value)) or "none"

    @field_validator("prompt_template", "completion_template")
    @classmethod
    def _with_known_placeholders(cls, value: str, info: ValidationInfo) -> str:
        require_placeholders(value, info.data.get("dataset_columns"))
        return value

    @field_validator("completion_template")
    @classmethod
    def _not_given_away(cls, value: str, info: ValidationInfo) -> str:
        # A prompt that holds the answer trains a model that copies it, and scores it as perfect.
        asked = info.data.get("prompt_template", "")
        if leaked := sorted(placeholders(value) & placeholders(asked)):
            raise ValueError(f"PROMPT_TEMPLATE would give {listed(leaked)} away")
        return value

    def hyperparameters(self) -> dict[str, Any]:
        """The settings that decide the weights, by their names here."""
        return self.model_dump(include=set(Hyperparameters.model_fields), mode="json")


class SettingsError(Exception):
    """
    The environment is not valid; the message has one line for each variable that has to change.
    `variables` holds them as they are, None where one is not set.
    """

    def __init__(self, message: str, variables: dict[str, str | None]) -> None:
        super().__init__(message)
        self.variables = variables


def read_settings(**given: str) -> Settings:
    """
    Reads the environment; `given` stands for variables that it does not have, by their fields.

    Raises:
        SettingsError: naming every faulty variable, what it held and what is allowed.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = dict.fromkeys(_problem(fault) for fault in error.errors())
        names = [str(fault["loc"][0]) for fault in error.errors()]
        variables = {name.upper(): _received(name) for name in names}
        raise SettingsError("\n".join(problems), variables) from None


def _received(field: str) -> str | None:
    return os.environ.get(field.upper()) or os.environ.get(field)


def _problem(fault: Any) -> str:
    field = str(fault["loc"][0])
    received = _received(field)
    reason = fault["msg"].removeprefix("Value error, ") if fault["type"] == "value_error" else ""
    held = f"received {received!r}" if received else "is not set"
    allowed = Settings.model_fields[field].description
    return f"{field.upper()}: {held}{f' ({reason})' if reason else ''}; allowed: {allowed}"
