"""How long a run will take, within a factor of two or three: enough to choose a time limit by."""

from dataclasses import dataclass

from finetune.checking.accelerators import Accelerator
from finetune.checking.base_facts import BaseFacts
from finetune.evaluation.scoring_time import BASE_ROWS, BASE_SHARE, scoring_seconds
from finetune.settings import Settings

# Forwards 2 FLOP a parameter and token, backwards the same for inputs only (weights are frozen),
# and a few per cent for attention, adapters and logits.
FLOP_A_PARAMETER = 4.3
# A small step waits for its kernels to be launched: seconds a layer, forwards and backwards.
LAYER_SECONDS = 2e-3
# Bytes a second from the Hub or Cloud Storage, and back.
TRANSFER = 1.5e8


@dataclass(frozen=True)
class Work:
    """
    What there is to do: optimizer steps, tokens of an average step, tokens of all validations,
    held-out rows, tokens of an average prompt and of the longest answer.
    """

    steps: int
    step_tokens: float
    validation_tokens: int
    held_out: int
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class Duration:
    """Seconds of each part of a run."""

    transfer: float
    training: float
    scoring: float

    @property
    def total(self) -> float:
        """All parts together."""
        return self.transfer + self.training + self.scoring


def duration(
    work: Work, facts: BaseFacts, settings: Settings, accelerator: Accelerator
) -> Duration:
    """The seconds on one card."""
    text = facts.config.get("text_config", facts.config)
    layers = text.get("num_hidden_layers", 24)
    token = FLOP_A_PARAMETER * facts.linear_parameters / accelerator.training
    step = max(work.step_tokens * token, layers * LAYER_SECONDS)
    scoring = 0.0
    if work.held_out:
        answers = scoring_seconds(
            work.held_out,
            work.answer_tokens,
            work.prompt_tokens,
            facts.parameters,
            layers,
            accelerator.name,
        )
        budget = settings.evaluation_seconds
        share = min(1.0, BASE_ROWS / work.held_out)
        scoring = min(answers, budget) + 2 * min(share * answers, BASE_SHARE * budget)
    return Duration(
        transfer=2 * 2 * facts.parameters / TRANSFER,
        training=work.steps * step + work.validation_tokens * token / 2,
        scoring=scoring,
    )
