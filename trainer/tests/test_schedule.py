from dataclasses import replace

import pytest
import torch
from tiny import environment

from finetune.data.encoding import Encoded
from finetune.settings import read_settings
from finetune.training.layout import fixed_layout
from finetune.training.schedule import Schedule, learning_rates


@pytest.fixture
def schedule(set_environment):
    def make(documents, **changes):
        set_environment(environment("/base", "/data", "/b", **{"MAX_STEPS": "-1", **changes}))
        return Schedule(documents, read_settings())

    return make


@pytest.mark.parametrize(
    ("documents", "batch", "accumulated", "epochs", "most"),
    [
        (1000, 1, 2, 1, -1),
        (7, 2, 2, 1, -1),
        (7, 2, 2, 2.5, -1),
        (7, 1, 3, 0.3, -1),
        (7, 1, 3, 1, 5),
    ],
)
def test_steps_are_counted_as_the_trainer_of_transformers_counts_them(
    schedule, tmp_path, documents, batch, accumulated, epochs, most
):
    from torch.utils.data import DataLoader
    from transformers import Trainer, TrainingArguments

    ours = schedule(
        documents,
        TRAIN_BATCH_SIZE=str(batch),
        GRADIENT_ACCUMULATION_STEPS=str(accumulated),
        NUM_TRAIN_EPOCHS=str(epochs),
        MAX_STEPS=str(most),
    )
    arguments = TrainingArguments(
        str(tmp_path),
        gradient_accumulation_steps=accumulated,
        num_train_epochs=epochs,
        max_steps=most,
        use_cpu=True,
        report_to="none",
    )
    trainer = Trainer(torch.nn.Linear(1, 1), arguments)
    loader = DataLoader(list(range(documents)), batch_size=batch)
    counts = trainer.set_initial_training_values(arguments, loader)
    assert ours.steps == counts[-1]


def test_an_epoch_takes_every_document_once_and_its_last_step_is_short(schedule):
    ours = schedule(7, GRADIENT_ACCUMULATION_STEPS="3", NUM_TRAIN_EPOCHS="2")
    steps = [ours.numbers(step) for step in range(ours.steps)]
    assert [len(step) for step in steps] == [3, 3, 1, 3, 3, 1]
    assert sorted(sum(steps[:3], ())) == sorted(sum(steps[3:], ())) == list(range(7))
    assert steps[:3] != steps[3:]


@pytest.mark.parametrize(("steps", "times"), [(500, 10), (13, 10), (10, 10), (3, 3), (1, 1)])
def test_validation_is_spread_over_the_run_and_follows_the_last_step(schedule, steps, times):
    ours = schedule(7, MAX_STEPS=str(steps))
    chosen = [step for step in range(steps + 1) if ours.validated(step)]
    assert len(chosen) == times and chosen[-1] == steps and 0 not in chosen
    gaps = [after - before for before, after in zip([0, *chosen], chosen, strict=False)]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("steps", "rows", "times"), [(500, 50, 6), (500, 5, 10), (5, 50, 1), (200, 30, 4)]
)
def test_validation_takes_a_tenth_of_the_time_of_training_at_most(schedule, steps, rows, times):
    ours = replace(
        schedule(1000, MAX_STEPS=str(steps), GRADIENT_ACCUMULATION_STEPS="2"),
        validation_documents=rows,
    )
    assert ours.validations == times
    assert len([step for step in range(steps + 1) if ours.validated(step)]) == times
    assert ours.validated(steps)


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant", "constant_with_warmup"])
def test_the_learning_rate_of_a_step_is_that_of_transformers_scheduler(schedule, kind):
    from transformers import get_scheduler

    ours = schedule(7, MAX_STEPS="40", LR_SCHEDULER_TYPE=kind, WARMUP_RATIO="0.06")
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=2e-4)
    rate = learning_rates(torch.optim.AdamW([torch.zeros(1)], lr=2e-4), ours)
    scheduler = get_scheduler(kind, optimizer, 3, 40)
    for step in range(40):
        assert optimizer.param_groups[0]["lr"] == rate(step)
        optimizer.step()
        scheduler.step()


def test_each_step_and_process_has_random_numbers_of_its_own(schedule):
    ours = schedule(7)
    assert len({ours.random_seed(step, rank) for step in range(50) for rank in range(4)}) == 200


def test_a_gpu_step_of_few_short_documents_is_not_padded_to_the_longest_row(schedule):
    documents = [Encoded([0] * (60 + number % 40), []) for number in range(200)]
    few = fixed_layout(documents, schedule(200, MAX_SEQ_LENGTH="512").settings, 16384)
    assert few.width * few.rows <= 256
    many = schedule(200, TRAIN_BATCH_SIZE="100", MAX_SEQ_LENGTH="512").settings
    chosen = fixed_layout(documents, many, 16384)
    assert 16000 < 2 * chosen.width * chosen.rows <= 18500  # of 15,900 tokens a step
    assert fixed_layout(documents, many, 100).rows == 1
