"""The rows of a run in figures."""

from functools import cached_property
from typing import Any

from finetune.checking.duration import Work
from finetune.data.encoding import IGNORED, Encoded, encode, prompt_ids
from finetune.data.held_out import Split
from finetune.data.row_checks import MEANING, RowReport
from finetune.settings import Settings
from finetune.training.packing import pack
from finetune.training.schedule import Schedule

# Steps of the first epoch that are packed to see how full rows become, and held-out rows that are
# encoded to see how long prompts and answers are.
SAMPLE = 200


class TrainingRows:
    """Documents, steps and packing of a split."""

    def __init__(self, split: Split, tokenizer: Any, settings: Settings) -> None:
        self._split, self._settings, self._tokenizer = split, settings, tokenizer
        self.documents = encode(split.training, tokenizer)
        self.schedule = Schedule(len(self.documents), settings, len(split.validation))

    def lines(self, report: RowReport) -> list[str]:
        """The account for people."""
        split, settings = self._split, self._settings
        dropped = [f"{report.dropped.get(kind, 0):,} {kind}" for kind in MEANING]
        tokens = [len(row.input_ids) for row in self.documents]
        graded = sum(label != IGNORED for row in self.documents for label in row.labels)
        steps = self.schedule.steps
        return [
            f"rows         {report.read:,} read; dropped: {', '.join(dropped)}",
            f"             {len(split.training):,} for training, {len(split.validation):,} for the "
            f"choice of the checkpoint, {len(split.held_out):,} held out for the verdict; "
            f"{split.unused:,} share their tables and are not used",
            f"tokens       {sum(tokens):,} in training rows, {graded:,} of them graded; "
            f"{sum(tokens) / len(tokens):.0f} a row, {max(tokens):,} in the longest "
            f"(MAX_SEQ_LENGTH {settings.max_seq_length:,})",
            f"steps        {steps:,} of {settings.documents_per_step} rows "
            f"(TRAIN_BATCH_SIZE {settings.train_batch_size} x GRADIENT_ACCUMULATION_STEPS "
            f"{settings.gradient_accumulation_steps}), "
            f"{steps / self.schedule.steps_an_epoch:.2f} epochs",
            f"packing      the rows of a step fill {self.fill:.0%} of sequences of "
            f"{settings.max_seq_length:,} (a GPU takes shorter ones where that pads less)",
        ]

    @cached_property
    def fill(self) -> float:
        """Share of packed sequences that is not padding, over steps of the first epoch."""
        length = self._settings.max_seq_length
        stride = max(1, self.schedule.steps_an_epoch // SAMPLE)
        tokens = room = 0
        for step in range(0, self.schedule.steps_an_epoch, stride):
            documents = [self.documents[number] for number in self.schedule.numbers(step)]
            tokens += _tokens(documents)
            room += length * len(pack(documents, length))
        return tokens / room

    @cached_property
    def work(self) -> Work:
        """What a run has to do."""
        held_out = self._split.held_out[:SAMPLE]
        prompts = [len(prompt_ids(row, self._tokenizer)) for row in held_out]
        answers = [
            len(row.input_ids) - prompt
            for row, prompt in zip(encode(held_out, self._tokenizer), prompts, strict=True)
        ]
        validation = encode(self._split.validation, self._tokenizer)
        validations = sum(map(self.schedule.validated, range(self.schedule.steps + 1)))
        return Work(
            steps=self.schedule.steps,
            step_tokens=_tokens(self.documents)
            / len(self.documents)
            * self._settings.documents_per_step,
            validation_tokens=validations * _tokens(validation),
            held_out=len(self._split.held_out),
            prompt_tokens=sum(prompts) // max(1, len(prompts)),
            answer_tokens=max(answers, default=0),
        )


def _tokens(documents: list[Encoded]) -> int:
    return sum(len(document.input_ids) for document in documents)
