"""
Chats as the model's own template renders them: what the server shows the model before each answer,
and the answer with the token that ends it.
"""

from dataclasses import dataclass
from typing import Any

from finetune.data.messages import checked, checked_tools, folded
from finetune.data.row_checks import LONE_SURROGATE, RowFault, blank
from finetune.verdict import BadInput

# Templates that show the date would render other rows on other days, and a resumed run would see
# data that its checkpoint does not know. The date is the one that Llama 3.1 falls back to.
RENDERING = {"tokenize": False, "date_string": "26 Jul 2024"}
PROBE = "zqxj"


@dataclass(frozen=True)
class Turn:
    """One answer: all that the model is shown before it, and its text without the end token."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Conversation:
    """
    Answers of one chat that one document can teach: the last, and as `graded` the spans of the
    earlier ones with their end tokens, in characters of the last one's prompt. `context` is all
    that stands before the first answer.
    """

    turn: Turn
    graded: tuple[tuple[int, int], ...]
    messages: tuple[dict[str, Any], ...]
    context: str


class ChatFormat:
    """
    A tokenizer's chat template. `end` is the text of the token that ends an answer; where the
    template has none, it is the tokenizer's end token, which is then learnt after the last answer.
    `takes_system` is false where the template refuses a system message, or shows nothing of it.

    Raises:
        BadInput: the template does not even show a question with its answer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        question = [{"role": "user", "content": PROBE}]
        try:
            answered = self._render([*question, {"role": "assistant", "content": PROBE}])
        except RowFault as fault:
            raise BadInput(f"the base cannot be trained on chats: {fault}") from fault
        ids = tokenizer(answered.rpartition(PROBE)[2].strip(), add_special_tokens=False)[
            "input_ids"
        ]
        special = ids and _special(tokenizer, ids[0])
        self.end = tokenizer.convert_ids_to_tokens(ids[0]) if special else tokenizer.eos_token
        try:
            system = [{"role": "system", "content": PROBE}, {"role": "user", "content": "?"}]
            self.takes_system = PROBE in self._render(system)
        except RowFault:
            self.takes_system = False

    def conversations(self, messages: Any, tools: Any = None) -> list[Conversation]:
        """
        The documents of one chat: a single one with every answer graded where the template shows
        earlier turns as they were when they were answered; else (Qwen 3 drops the thoughts of
        earlier turns) one for each answer, so that every answer follows exactly what a server would
        show. What follows the last answer is left out.

        Raises:
            RowFault: these are no messages, one is blank, there is no answer, or the template
                refuses them.
        """
        messages, tools = checked(messages), checked_tools(tools)
        if not self.takes_system:
            messages = folded(messages)
        answers = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
        if not answers:
            raise RowFault("empty", "no message of the assistant")
        turns = [self._turn(messages, number, tools) for number in answers]
        context = "\n".join(str(message["content"] or "") for message in messages[: answers[0]])
        spans = []
        for turn, ended in turns[:-1]:
            span = (len(turn.prompt), len(turn.prompt) + len(turn.completion) + len(self.end))
            shown = f"{turn.prompt}{turn.completion}{self.end}"
            if not ended or not turns[-1][0].prompt.startswith(shown):
                return [
                    Conversation(turn, (), tuple(messages[: number + 1]), context)
                    for (turn, _), number in zip(turns, answers, strict=True)
                ]
            spans.append(span)
        whole = tuple(messages[: answers[-1] + 1])
        return [Conversation(turns[-1][0], tuple(spans), whole, context)]

    def _turn(self, messages: list[dict[str, Any]], number: int, tools: Any) -> tuple[Turn, bool]:
        """The answer at a place, and whether the template itself puts the end token behind it."""
        prompt = self._render(messages[:number], tools, add_generation_prompt=True)
        rendered = self._render(messages[: number + 1], tools)
        if not rendered.startswith(prompt):
            raise RowFault(
                "malformed",
                "the chat template shows an answer in another place than where it asks for one",
            )
        rest = rendered[len(prompt) :]
        ended = self.end in rest
        completion = rest[: rest.rfind(self.end)] if ended else rest.rstrip()
        if blank(completion):
            raise RowFault("empty", f"message {number + 1} (assistant) is blank")
        return Turn(prompt, completion), ended

    def _render(self, messages: list[dict[str, Any]], tools: Any = None, **changes: Any) -> str:
        from jinja2 import TemplateError

        # A template is a program, and rows may hold anything.
        refusals = TemplateError, TypeError, ValueError, LookupError, AttributeError
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tools=tools, **RENDERING, **changes
            )
        except (*refusals, ArithmeticError, RecursionError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise RowFault("malformed", f"the chat template refuses it: {reason[0]}") from error
        return LONE_SURROGATE.sub("\ufffd", text)


def _special(tokenizer: Any, token: int) -> bool:
    added = tokenizer.added_tokens_decoder.get(token)
    return token in tokenizer.all_special_ids or bool(added and added.special)
