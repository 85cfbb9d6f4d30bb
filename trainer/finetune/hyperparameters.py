"""The settings that decide the weights, beside base, data and templates."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

Location = Annotated[str, Field(pattern=r"^(gs://[a-z0-9][a-z0-9._-]+/.+|/.+)$")]
LOCATION = "gs://BUCKET/PREFIX, or an absolute path"


class Hyperparameters(BaseSettings):
    """Environment variables, lower case. The manifest records them all, by these names."""

    lora_r: int = Field(8, ge=1, le=1024, description="a whole number from 1 to 1024")
    lora_alpha: int = Field(16, ge=1, description="a whole number of at least 1")
    lora_dropout: float = Field(
        0.1, ge=0, lt=1, description="a number from 0 up to, not including, 1"
    )
    use_rslora: bool = Field(False, description="true or false")
    use_dora: bool = Field(False, description="true or false")
    start_adapter: Location | None = Field(None, description="empty, or " + LOCATION)
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
    gradient_accumulation_steps: int = Field(2, ge=1, description="a whole number of at least 1")
    max_seq_length: int = Field(512, ge=16, description="a whole number of at least 16")
    seed: int = Field(42, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    load_in_4bit: bool | None = Field(None, exclude=True, description="true (nf4), false (bf16)")
    base_precision: Literal["auto", "nf4", "bf16", "fp8"] = Field(
        "auto",
        validate_default=True,
        description="auto, nf4, bf16 or fp8, and no contradiction to LOAD_IN_4BIT",
    )

    @property
    def documents_per_step(self) -> int:
        """
        Rows of the data set in one optimizer step. It decides the result, as the learning rate
        does; how many of them are on the GPU at a time does not.
        """
        return self.train_batch_size * self.gradient_accumulation_steps

    @field_validator("base_precision")
    @classmethod
    def _as_the_tutorial_says(cls, value: str, info: ValidationInfo) -> str:
        in_4bit = info.data.get("load_in_4bit")
        if in_4bit is None:
            return value
        mapped = "nf4" if in_4bit else "bf16"
        if value not in ("auto", mapped) and not (value == "fp8" and not in_4bit):
            raise ValueError(f"LOAD_IN_4BIT={str(in_4bit).lower()} asks for {mapped}")
        return mapped if value == "auto" else value

    @field_validator("max_steps")
    @classmethod
    def _not_zero_steps(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 would train nothing")
        return value

    @field_validator("lora_target_modules", mode="before")
    @classmethod
    def _from_commas(cls, value: Any) -> Any:
        if not isinstance(value, str) or value.strip() == "all-linear":
            return value.strip() if isinstance(value, str) else value
        return [name.strip() for name in value.split(",") if name.strip()]
