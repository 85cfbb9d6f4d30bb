"""
One plain line per logging step, for people who read them in Cloud Logging or with Terraform's
prefix before each.
"""

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.verdict import BadInput


class Progress(TrainerCallback):
    """
    Prints step, loss, speed and the time left; counts the tokens and seconds of training itself.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.seconds = 0.0
        self._started = self._logged_at = 0.0
        self._logged_tokens = 0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._started = self._logged_at = time.monotonic()

    def on_log(
        self,
        _args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        logs: dict[str, Any],
        **_: Any,
    ) -> None:
        """
        Raises BadInput when the loss is no number any more: every further step would be wasted.
        """
        loss = logs.get("loss")
        if loss is None:
            return
        now = time.monotonic()
        self.tokens = int(logs.get("num_tokens", 0))
        self.seconds = now - self._started
        if not math.isfinite(loss):
            raise BadInput(
                f"the loss became {loss} at step {state.global_step}: "
                "choose a smaller LEARNING_RATE or MAX_GRAD_NORM"
            )
        speed = (self.tokens - self._logged_tokens) / max(now - self._logged_at, 1e-9)
        left = self.seconds / state.global_step * (state.max_steps - state.global_step)
        self._logged_at, self._logged_tokens = now, self.tokens
        print(
            f"step {state.global_step} of {state.max_steps}, loss {loss:.4f}, "
            f"{speed:,.0f} tokens/s, {duration(left)} left",
            flush=True,
        )


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
