"""How many tokens prompt and answer may have together: vLLM's --max-model-len."""

from collections.abc import Mapping
from typing import Any


def context_length(scope: Mapping[str, Any]) -> int | None:
    """As vLLM's application tells; None where it doesn't, and vLLM then judges alone."""
    try:
        return int(scope["app"].state.vllm_config.model_config.max_model_len)
    except (KeyError, AttributeError, TypeError):
        return None
