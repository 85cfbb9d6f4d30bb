"""
Golden answers: what the merged model says to some rows, token by token, and how sure it is.

After a deploy the service is asked the same, and its log-probabilities are compared
(provision/check-answers.ts): the model that was scored is the one that answers, or the deploy
fails. Log-probabilities, since texts tell little: a model with a wrong rope_theta gave 61 of 64
answers letter by letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import PreTrainedModel

from finetune.data.chat import RENDERING
from finetune.data.encoding import encode, end_token, prompt_ids
from finetune.data.example import Example
from finetune.evaluation.generation import Generator, in_order

PROMPTS = 32
# Tokens of one answer. What follows an early difference says little more, and has to be waited for.
LONGEST = 128
# Nats below the first choice that bfloat16's rounding explains: logits from 16 on are 0.125 apart.
TIE = 0.15
DECIMALS = 5
# Templates that show the date would render other prompts every day.
DATE = {"date_string": RENDERING["date_string"]}


def golden_answers(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: Sequence[Example],
    answers: Mapping[str, str],
    template: str,
) -> dict[str, Any] | None:
    """
    What golden.json holds, or None without examples: of the first 32 in the order of a hash, each
    greedy answer with its end token. Chats also have their messages, for the server to render.

    Args:
        answers: by the examples' ids, as far as known. They only save time: each token is checked
            to be the model's choice when it reads the text as one row.
        template: that the prompts were made from, unless they are chats.
    """
    if not examples:
        return None
    chosen = in_order(examples)[:PROMPTS]
    answering = _Greedy(model, tokenizer)
    is_chat = chosen[0].messages is not None
    return {
        "format": 1,
        "add_special_tokens": not is_chat,
        "template": None if is_chat else template,
        **({"chat_template_kwargs": DATE} if is_chat else {}),
        "prompts": [_golden(row, tokenizer, answering, answers.get(row.id)) for row in chosen],
    }


def _golden(row: Example, tokenizer: Any, answering: "_Greedy", answer: str | None) -> dict:
    prompt = prompt_ids(row, tokenizer)
    tokens, logprobs, gap = answering.answer(row, prompt, _likely(row, prompt, tokenizer, answer))
    messages = _messages(row, tokenizer)
    return {
        "id": row.id,
        "prompt": row.prompt,
        "prompt_token_ids": prompt,
        "token_ids": tokens,
        "logprobs": [round(value, DECIMALS) for value in logprobs],
        "gap": round(gap, DECIMALS),  # of any token to the first choice
        "text": tokenizer.decode(tokens, skip_special_tokens=True),
        **({} if messages is None else {"messages": messages}),
    }


def _likely(row: Example, prompt: list[int], tokenizer: Any, answer: str | None) -> list[int]:
    """The tokens that an answer of scoring, which is kept without its outer spaces, came from."""
    if not answer:
        return []
    space = row.completion[: len(row.completion) - len(row.completion.lstrip())]
    ids = encode([replace(row, completion=space + answer)], tokenizer)[0].input_ids
    return ids[len(prompt) :] if ids[: len(prompt)] == prompt else []


def _messages(row: Example, tokenizer: Any) -> list[dict[str, Any]] | None:
    """A chat's question, where rendering it gives the prompt: not where tools belong to it."""
    if row.messages is None:
        return None
    asked = list(row.messages[:-1])
    again = tokenizer.apply_chat_template(asked, add_generation_prompt=True, **RENDERING)
    return asked if again == row.prompt else None


class _Greedy:
    """
    Greedy answers by reading: one pass over the prompt with a likely answer shows where the model
    would have gone on otherwise, and only from there it has to generate. The log-probabilities are
    those of the last pass, at a batch of one.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._ends = Generator(model, tokenizer, 1).ends

    @torch.no_grad()
    def answer(
        self, row: Example, prompt: list[int], likely: list[int]
    ) -> tuple[list[int], list[float], float]:
        """
        Tokens up to the end token, at most LONGEST, their natural logarithms, and the largest
        distance of one to the first choice in its place.
        """
        ends = self._ends | {end_token(row, self._tokenizer)}
        tokens = likely[: LONGEST - 1]
        while True:
            tokens, logprobs, gaps = self._confirmed(prompt, tokens)
            ended = next((n for n, token in enumerate(tokens) if token in ends), None)
            if ended is not None or len(tokens) >= LONGEST:
                count = len(tokens) if ended is None else ended + 1
                return tokens[:count], logprobs[:count], max(gaps[:count])
            more = self._go_on([*prompt, *tokens], LONGEST - len(tokens), ends)
            tokens = [*tokens, *more][: LONGEST - 1]

    def _confirmed(
        self, prompt: list[int], tokens: list[int]
    ) -> tuple[list[int], list[float], list[float]]:
        """The tokens up to where the model chooses another, and its choice in that place."""
        logprobs = self._read(prompt, tokens)
        tops, best = logprobs.max(-1)
        given = torch.tensor([*tokens, best[-1].item()], device=best.device)
        gaps = tops - logprobs.gather(1, given[:, None])[:, 0]
        count = next((n for n, gap in enumerate(gaps.tolist()) if gap > TIE), len(tokens))
        chosen = torch.cat([given[:count], best[count : count + 1]])
        found = logprobs[: count + 1].gather(1, chosen[:, None])[:, 0]
        return chosen.tolist(), found.tolist(), (tops[: count + 1] - found).tolist()

    def _read(self, prompt: list[int], tokens: list[int]) -> torch.Tensor:
        """Log-probabilities `[len(tokens) + 1, vocabulary]` of what follows prompt and tokens."""
        ids = torch.tensor([[*prompt, *tokens]], device=self._model.device)
        output = self._model(input_ids=ids, use_cache=False, logits_to_keep=len(tokens) + 1)
        return output.logits[0].float().log_softmax(-1)

    def _go_on(self, ids: list[int], new_tokens: int, ends: set[int]) -> list[int]:
        rows = torch.tensor([ids], device=self._model.device)
        output = self._model.generate(
            input_ids=rows,
            attention_mask=torch.ones_like(rows),
            do_sample=False,
            num_beams=1,
            max_new_tokens=new_tokens,
            eos_token_id=sorted(ends),
            pad_token_id=self._tokenizer.pad_token_id,
        )
        return output[0, len(ids) :].tolist()
