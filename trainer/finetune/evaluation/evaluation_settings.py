"""How a model is scored, and what it takes to be served."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from finetune.hyperparameters import LOCATION, Location


class EvaluationSettings(BaseSettings):
    """Environment variables, lower case. Of these, only EVALUATION_ROWS decides the weights."""

    eval_batch_size: int = Field(2, ge=1, description="a whole number of at least 1")
    evaluation_rows: int = Field(500, ge=0, description="a whole number of at least 0")
    evaluation_seconds: float = Field(900, gt=0, description="a number of seconds above 0")
    promotion_metric: Literal["execution_match", "normalized_match", "exact_match", "token_f1"] = (
        Field(
            "execution_match",
            description="execution_match, normalized_match, exact_match or token_f1",
        )
    )
    promotion_minimum: float | None = Field(
        None,
        ge=0,
        le=1,
        description="empty (no bar), or a number from 0 to 1 with EVALUATION_ROWS above 0",
    )
    promotion_must_beat: Literal["base"] | Location | None = Field(
        None,
        description=f"empty, base, or a published version ({LOCATION}), "
        "with EVALUATION_ROWS above 0",
    )

    @field_validator("promotion_minimum", "promotion_must_beat")
    @classmethod
    def _with_rows_to_measure(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("evaluation_rows") == 0:
            raise ValueError("nothing can be measured with EVALUATION_ROWS=0")
        return value
