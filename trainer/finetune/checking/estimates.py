"""Memory, time and cost as lines for people."""

from finetune.checking.accelerators import ACCELERATORS
from finetune.checking.base_facts import BaseFacts
from finetune.checking.duration import Duration, duration
from finetune.checking.memory import (
    PRECISIONS,
    USABLE,
    adapter_parameters,
    memory,
    precision_on,
)
from finetune.checking.training_rows import TrainingRows
from finetune.settings import Settings


def estimates(rows: TrainingRows, facts: BaseFacts, settings: Settings) -> list[str]:
    """
    By accelerator: the precision of the base, what part of the memory is needed at least, and the
    time. PRICE_PER_HOUR is that of the machine that the job has.
    """
    needed = {name: memory(facts, settings, name) / 2**30 for name in PRECISIONS}
    amounts = ", ".join(f"{name} {amount:.1f} GiB" for name, amount in needed.items())
    lines = [
        f"base         {facts.parameters:,} parameters; "
        f"{adapter_parameters(facts, settings):,} trained in adapters",
        f"memory       at least {amounts}, as estimates",
    ]
    for name, accelerator in ACCELERATORS.items():
        precision = precision_on(facts, settings, accelerator.gibibytes)
        if needed[precision] > USABLE * accelerator.gibibytes:
            lines.append(f"{name}: {accelerator.gibibytes} GiB are not enough for {precision}")
            continue
        took = duration(rows.work, facts, settings, accelerator)
        lines.append(f"{name}: {precision}, {_parts(took, settings)}")
        if not accelerator.measured:
            lines[-1] += " (scaled from an H100, not measured)"
    return lines


def _parts(took: Duration, settings: Settings) -> str:
    cost = ""
    if settings.price_per_hour is not None:
        cost = f", {took.total / 3600 * settings.price_per_hour:.2f} USD by PRICE_PER_HOUR"
    limit = settings.task_timeout_seconds
    over = f"; more than one attempt of {spoken(limit)}" if limit and took.total > limit else ""
    return (
        f"about {spoken(took.total)}{cost}: training {spoken(took.training)}, scoring "
        f"{spoken(took.scoring)}, files {spoken(took.transfer)}{over}"
    )


def spoken(seconds: float) -> str:
    """Seconds as an estimate should be read: 40 s, 12 min, 2.5 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
