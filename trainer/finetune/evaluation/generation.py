"""Greedy answers to held-out rows, as many as a budget of time allows."""

import hashlib
import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from finetune.data.encoding import end_token, prompt_ids
from finetune.data.example import Example

# Room for an answer beside the longest expected one, and the most that is ever generated.
SLACK, LONGEST = 32, 512
# Fewer rows would say next to nothing: so many are answered whatever they take.
LEAST_ROWS = 30
# Rows between two looks at the clock, and the largest batch by kind of device.
PORTION = 64
LARGEST_BATCH = {"cuda": 256, "cpu": 8}
# A batch may be doubled while the next one leaves this share of the free memory.
SPARE = 0.3


class Generator:
    """
    Answers rows in the order of a hash of their ids, so that what a budget cuts off is a fair
    sample, each portion sorted by length, so that little is padded.

    Batches start at EVAL_BATCH_SIZE and grow as memory allows; one that is too large for the GPU is
    halved. Their size changes speed alone, up to the rounding of bfloat16.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any, batch_size: int) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.least = self.batch = batch_size
        self.largest = max(batch_size, LARGEST_BATCH.get(model.device.type, batch_size))
        configured = getattr(model.generation_config, "eos_token_id", None)
        ends = configured if isinstance(configured, list) else [configured]
        # What the server stops at: of a chat model the end of a turn, too.
        self.ends = {end for end in (*ends, tokenizer.eos_token_id) if end is not None}

    def answers(self, examples: Sequence[Example], seconds: float) -> dict[str, str]:
        """
        Answers by the ids of the examples: of all, or of those that `seconds` allow for, but of
        LEAST_ROWS at least.
        """
        started = time.monotonic()
        longest = max(
            (len(self.tokenizer(row.completion)["input_ids"]) for row in examples), default=0
        )
        new_tokens = min(longest + SLACK, LONGEST)
        waiting = in_order(examples)
        self.ends |= {end_token(row, self.tokenizer) for row in examples}
        answers: dict[str, str] = {}
        portion = LEAST_ROWS
        while waiting:
            begun = time.monotonic()
            part, waiting = waiting[:portion], waiting[portion:]
            answers |= self._portion(part, new_tokens)
            now = time.monotonic()
            left = seconds - (now - started)
            affordable = math.floor(left / max((now - begun) / len(part), 1e-9))
            portion = min(max(PORTION, self.batch), affordable)
            if portion < 1:
                break
        return answers

    def _portion(self, examples: Sequence[Example], new_tokens: int) -> dict[str, str]:
        prompts = {row.id: prompt_ids(row, self.tokenizer) for row in examples}
        # The longest first: if memory is short, it is so at once.
        waiting = sorted(prompts, key=lambda name: -len(prompts[name]))
        answers: dict[str, str] = {}
        while waiting:
            names = waiting[: self.batch]
            before, texts = self._free_memory(), None
            try:
                texts = self._batch([prompts[name] for name in names], new_tokens)
            except torch.OutOfMemoryError:
                if len(names) == 1:
                    raise
            if texts is None:  # out here, where the error no longer holds on to its tensors
                self.batch = self.largest = max(1, len(names) // 2)
                torch.cuda.empty_cache()
                continue
            answers |= zip(names, texts, strict=True)
            waiting = waiting[len(names) :]
            if len(names) == self.batch:
                self._grow(before)
        return answers

    @torch.no_grad()
    def _batch(self, prompts: list[list[int]], new_tokens: int) -> list[str]:
        width = max(map(len, prompts))
        # Padding on the left: the answer follows right behind the prompt.
        padding = self.tokenizer.pad_token_id
        ids = torch.tensor([[padding] * (width - len(row)) + row for row in prompts])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
        outputs = self.model.generate(
            input_ids=ids.to(self.model.device),
            attention_mask=mask.to(self.model.device),
            do_sample=False,
            num_beams=1,
            max_new_tokens=new_tokens,
            eos_token_id=sorted(self.ends),
            pad_token_id=padding,
        )
        return self.tokenizer.batch_decode(outputs[:, width:], skip_special_tokens=True)

    def _free_memory(self) -> int:
        if self.model.device.type != "cuda":
            return 0
        torch.cuda.reset_peak_memory_stats()
        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()

    def _grow(self, before: int) -> None:
        if self.model.device.type == "cuda":
            used = torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated()
            if 2 * used > (1 - SPARE) * before:
                return
        self.batch = min(2 * self.batch, self.largest)


def in_order(examples: Sequence[Example]) -> list[Example]:
    """Rows in the order in which they are answered: that of a hash, which any cut leaves fair."""
    return sorted(examples, key=lambda row: hashlib.sha256(row.id.encode()).hexdigest())
