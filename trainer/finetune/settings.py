"""What one training run is asked to do, read from the container's environment and nowhere else."""

import json
import os
import re
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Location = Annotated[str, Field(pattern=r"^(gs://[a-z0-9][a-z0-9._-]+/.+|/.+)$")]
LOCATION = "gs://BUCKET/PREFIX, or an absolute path"

# What decides the weights beside base, data and templates: recorded in the manifest under "hyperparameters".
HYPERPARAMETERS = (
    "lora_r lora_alpha lora_dropout lora_target_modules learning_rate lr_scheduler_type warmup_ratio weight_decay "
    "max_grad_norm num_train_epochs max_steps train_batch_size gradient_accumulation_steps max_seq_length seed "
    "load_in_4bit packing"
).split()


class Settings(BaseSettings):
    """The environment variables of the job, lower case. Each field's description says what is allowed."""

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
        description="a text with {placeholders} that are keys of DATASET_COLUMNS, none of them in PROMPT_TEMPLATE",
    )

    lora_r: int = Field(8, ge=1, le=1024, description="a whole number from 1 to 1024")
    lora_alpha: int = Field(16, ge=1, description="a whole number of at least 1")
    lora_dropout: float = Field(
        0.1, ge=0, lt=1, description="a number from 0 up to, not including, 1"
    )
    lora_target_modules: Annotated[list[str] | Literal["all-linear"], NoDecode] = Field(
        ["q_proj", "v_proj"], description='"all-linear" or names of modules with commas between'
    )
    learning_rate: float = Field(2e-4, gt=0, le=1, description="a number above 0, at most 1")
    lr_scheduler_type: Literal["cosine", "linear", "constant", "constant_with_warmup"] = Field(
        "cosine", description="cosine, linear, constant or constant_with_warmup"
    )
    warmup_ratio: float = Field(
        0.03, ge=0, lt=1, description="a number from 0 up to, not including, 1"
    )
    weight_decay: float = Field(0.001, ge=0, description="a number of at least 0")
    max_grad_norm: float = Field(0.3, gt=0, description="a number above 0")
    num_train_epochs: float = Field(1, gt=0, description="a number above 0")
    max_steps: int = Field(-1, ge=-1, description="-1 (by NUM_TRAIN_EPOCHS) or a number of steps")
    train_batch_size: int = Field(1, ge=1, description="a whole number of at least 1")
    eval_batch_size: int = Field(2, ge=1, description="a whole number of at least 1")
    gradient_accumulation_steps: int = Field(2, ge=1, description="a whole number of at least 1")
    logging_steps: int = Field(5, ge=1, description="a whole number of at least 1")
    max_seq_length: int = Field(512, ge=16, description="a whole number of at least 16")
    seed: int = Field(42, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    load_in_4bit: bool = Field(True, description="true or false")
    packing: bool = Field(False, description="true or false")

    evaluation_rows: int = Field(100, ge=0, description="a whole number of at least 0")
    promotion_metric: Literal["execution_match", "exact_match"] = Field(
        "execution_match", description="execution_match or exact_match"
    )
    promotion_minimum: float | None = Field(
        None,
        ge=0,
        le=1,
        description="empty (no bar), or a number from 0 to 1 with EVALUATION_ROWS above 0",
    )

    @field_validator("output_uri", "checkpoint_uri", "model_name", "dataset_name")
    @classmethod
    def _without_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("checkpoint_uri")
    @classmethod
    def _apart_from_the_version(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("output_uri"):
            raise ValueError("it is OUTPUT_URI, where nothing may be overwritten")
        return value

    @field_validator("dataset_limit", "max_steps")
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

    @field_validator("lora_target_modules", mode="before")
    @classmethod
    def _from_commas(cls, value: Any) -> Any:
        if not isinstance(value, str) or value.strip() == "all-linear":
            return value.strip() if isinstance(value, str) else value
        return [name.strip() for name in value.split(",") if name.strip()]

    @field_validator("prompt_template", "completion_template")
    @classmethod
    def _with_known_placeholders(cls, value: str, info: ValidationInfo) -> str:
        try:
            parsed = [field for field in Formatter().parse(value) if field[1] is not None]
        except ValueError as error:
            raise ValueError(f"{error}; write a literal brace twice") from error
        names = {name for _, name, _, _ in parsed}
        if not names:
            raise ValueError("it has no placeholder")
        if any(spec or conversion for _, _, spec, conversion in parsed):
            raise ValueError("a placeholder is a bare name in braces")
        columns = info.data.get("dataset_columns", {})
        if columns and (unknown := sorted(names - columns.keys())):
            raise ValueError(f"{_listed(unknown)} not among {_listed(columns)} of DATASET_COLUMNS")
        if info.field_name == "completion_template":
            # A prompt that holds the answer trains a model that copies it, and scores it as perfect.
            if leaked := sorted(names & placeholders(info.data.get("prompt_template", ""))):
                raise ValueError(f"PROMPT_TEMPLATE would give {_listed(leaked)} away")
        return value

    @field_validator("promotion_minimum")
    @classmethod
    def _with_rows_to_measure(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("evaluation_rows") == 0:
            raise ValueError("no bar can be measured with EVALUATION_ROWS=0")
        return value

    def hyperparameters(self) -> dict[str, Any]:
        """The settings that decide the weights, by their names here."""
        return self.model_dump(include=set(HYPERPARAMETERS), mode="json")


class SettingsError(Exception):
    """The environment is not valid; the message has one line for each variable that has to change."""


def read_settings() -> Settings:
    """
    Reads the environment.

    Raises:
        SettingsError: naming every faulty variable, what it held and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = dict.fromkeys(_problem(fault) for fault in error.errors())
        raise SettingsError("\n".join(problems)) from None


def placeholders(template: str) -> set[str]:
    """The names in braces of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _problem(fault: Any) -> str:
    field = str(fault["loc"][0])
    received = os.environ.get(field.upper()) or os.environ.get(field)
    reason = fault["msg"].removeprefix("Value error, ") if fault["type"] == "value_error" else ""
    return (
        f"{field.upper()}: {'received ' + repr(received) if received else 'is not set'}"
        f"{' (' + reason + ')' if reason else ''}; allowed: {Settings.model_fields[field].description}"
    )


def _listed(names: Any) -> str:
    return ", ".join("{" + re.sub(r"[{}]", "", name) + "}" for name in names)
