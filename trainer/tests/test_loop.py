import json
import os
import random
import socket
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from forks import Asked
from tiny import environment, rows

from finetune.data.dataset import Example
from finetune.data.encoding import encode
from finetune.settings import read_settings
from finetune.training import micro_step, optimizer_step, processes
from finetune.training import schedule as training_schedule
from finetune.training.adapter import attach
from finetune.training.base_model import load_model, load_tokenizer
from finetune.training.layout import Rows
from finetune.training.loop import train
from finetune.training.schedule import Schedule
from finetune.verdict import BadInput, Interrupted

CPU = torch.device("cpu")


class Checkpoints:
    """Keeps the files of each step that it is told to."""

    def __init__(self, due=lambda: False):
        self.saved, self.due = {}, due

    def newest(self):
        return SimpleNamespace(files=self.saved[max(self.saved)]) if self.saved else None

    def save(self, step, files):
        self.saved[step] = files


class Observer:
    """Notes what it is told."""

    def __init__(self):
        self.lines, self.validations = [], []

    def step(self, *line):
        self.lines.append(line)

    def validation(self, *line):
        self.validations.append(line)


class Deadline:
    """Is reached after so many questions."""

    def __init__(self, questions=10**9):
        self.left = questions

    def reached(self):
        self.left -= 1
        return self.left < 0


@pytest.fixture
def trained(bases, set_environment, monkeypatch):
    """
    Trains a tiny llama on 11 documents in steps of 3, so that an epoch has 4 steps. However long
    they take, there are ten validations.
    """
    monkeypatch.setattr(training_schedule, "VALIDATION_SHARE", 1.0)

    def run(checkpoints=None, observer=None, deadline=None, validation=3, **changes):
        settings = {"MAX_STEPS": "-1", "NUM_TRAIN_EPOCHS": "3", "GRADIENT_ACCUMULATION_STEPS": "3"}
        set_environment(
            environment(bases["llama"], "/data", "/b", **{**settings, "LORA_R": "4", **changes})
        )
        settings = read_settings()
        tokenizer = load_tokenizer(bases["llama"])
        model = attach(load_model(bases["llama"], CPU, "fp32"), settings)
        documents = encode(examples(14), tokenizer)
        outcome = train(
            model,
            tokenizer,
            documents[:11],
            documents[11 : 11 + validation],
            settings,
            checkpoints or Checkpoints(),
            observer or Observer(),
            deadline or Deadline(),
        )
        return outcome, weights(model)

    return run


def examples(count):
    return [
        Example(f"Q: {row['question']}\nA:", f" {row['answer']}", row["context"])
        for row in rows()[:count]
    ]


def weights(model):
    return {name: value.detach() for name, value in model.named_parameters() if value.requires_grad}


def same(left, right):
    return left.keys() == right.keys() and all(
        torch.equal(left[name], right[name]) for name in left
    )


def test_training_lowers_the_loss_and_keeps_the_adapter_with_the_best_validation_loss(trained):
    observer = Observer()
    outcome, _ = trained(observer=observer, LEARNING_RATE="0.01", NUM_TRAIN_EPOCHS="5")
    assert outcome.steps == 20 and outcome.tokens > 0 and outcome.seconds > 0
    losses = [loss for _, loss in outcome.curves["train"]]
    assert losses[-1] < losses[0] - 0.3
    assert outcome.loss == pytest.approx(sum(losses) / 20)
    assert [line[0] for line in observer.lines] == list(range(1, 21))
    assert [line[2] for line in observer.lines] == losses
    assert observer.validations == outcome.curves["validation"]
    best_step, best_loss = min(outcome.curves["validation"], key=lambda pair: pair[1])
    assert (outcome.best_step, outcome.best_loss) == (best_step, best_loss)


def test_the_adapter_of_the_best_step_is_returned_though_training_went_on(trained, monkeypatch):
    losses = iter([5.0, 4.0, 3.0, 3.0, *[3.5] * 6])
    monkeypatch.setattr(optimizer_step.Learner, "validation_loss", lambda *_: next(losses))
    outcome, final = trained(LR_SCHEDULER_TYPE="constant")
    assert (outcome.steps, outcome.best_step, outcome.best_loss) == (12, 4, 3.0)
    stopped, at_best = trained(validation=0, LR_SCHEDULER_TYPE="constant", MAX_STEPS="4")
    assert (stopped.best_step, stopped.best_loss) == (4, None)
    assert same(final, at_best)


def test_a_line_tells_the_mean_loss_since_the_line_before(trained):
    observer = Observer()
    outcome, _ = trained(observer=observer, LOGGING_STEPS="5")
    losses = [loss for _, loss in outcome.curves["train"]]
    assert [line[:2] for line in observer.lines] == [(5, 12), (10, 12), (12, 12)]
    means = [sum(losses[:5]) / 5, sum(losses[5:10]) / 5, sum(losses[10:]) / 2]
    assert [line[2] for line in observer.lines] == pytest.approx(means)


def test_a_run_resumed_at_three_random_steps_ends_with_the_same_bits(trained):
    outcome, uninterrupted = trained()
    stops = sorted([4, *random.Random(7).sample([1, 2, 3, 5, 6, 7, 8, 9, 10, 11], 2)])
    checkpoints = Checkpoints()
    for step, before in zip(stops, [0, *stops], strict=False):
        with pytest.raises(Interrupted):
            # Asked before each step and before its only micro-batch.
            trained(checkpoints, deadline=Deadline(2 * (step - before)))
        assert max(checkpoints.saved) == step
    resumed, final = trained(checkpoints)
    assert same(final, uninterrupted)
    assert resumed.curves == outcome.curves and resumed.best_loss == outcome.best_loss
    assert resumed.tokens == outcome.tokens


def test_a_stop_in_the_midst_of_a_step_keeps_the_state_before_it(trained, monkeypatch):
    monkeypatch.setattr("finetune.training.loop.layouts", lambda *_: (Rows(1, 32, False),) * 2)
    outcome, uninterrupted = trained()
    checkpoints = Checkpoints()
    with pytest.raises(Interrupted):
        trained(checkpoints, deadline=Deadline(4 * 2 + 2))
    assert max(checkpoints.saved) == 2
    resumed, final = trained(checkpoints)
    assert same(final, uninterrupted) and resumed.curves == outcome.curves


def test_checkpoints_are_saved_when_due_and_hold_no_pickle(trained):
    checkpoints = Checkpoints(iter([False, False, True, False, False, True] + [False] * 9).__next__)
    trained(checkpoints)
    assert list(checkpoints.saved) == [2, 5]
    for files in checkpoints.saved.values():
        assert files.keys() == {
            "adapter.safetensors",
            "optimizer.safetensors",
            "best.safetensors",
            "state.json",
        }
        assert json.loads(files["state.json"])["step"] in (2, 5)


def test_fails_when_the_loss_is_no_number_and_keeps_the_last_good_checkpoint(trained, monkeypatch):
    loss, calls = micro_step.completion_loss, []

    def broken(model, batch):
        calls.append(1)
        return loss(model, batch) * (float("nan") if len(calls) == 6 else 1.0)

    monkeypatch.setattr(micro_step, "completion_loss", broken)
    checkpoints = Checkpoints(lambda: True)
    with pytest.raises(BadInput, match="the loss became nan at step 6: choose a smaller LEARNING"):
        trained(checkpoints, validation=0, LOGGING_STEPS="100")
    assert max(checkpoints.saved) == 5


def test_fails_when_the_gradient_is_not_finite(trained, monkeypatch):
    loss = micro_step.completion_loss
    huge = lambda model, batch: (loss(model, batch) * 1e38) * 1e-38 * 1e38  # noqa: E731
    monkeypatch.setattr(micro_step, "completion_loss", huge)
    with pytest.raises(BadInput, match="became (inf|nan) at step 1"):
        trained(validation=0)


def test_adapters_and_optimizer_are_float32_on_a_bfloat16_base(bases, set_environment):
    set_environment(environment(bases["llama"], "/data", "/b"))
    model = load_model(bases["llama"], CPU, "bf16").to(torch.bfloat16)
    model = attach(model, read_settings())
    made = optimizer_step.learner(model, read_settings(), (Rows(2, 128, False),) * 2, 1)
    tokenizer = load_tokenizer(bases["llama"])
    before = {name: weight.clone() for name, weight in made.weights.items()}
    outcome = made.step(encode(examples(3), tokenizer), 1e-3, 0, lambda: False)
    assert torch.isfinite(outcome).all() and outcome.dtype == torch.float32
    moments = [moment for state in made.optimizer.state.values() for moment in state.values()]
    assert {tensor.dtype for tensor in [*made.weights.values(), *moments]} == {torch.float32}
    assert any(not torch.equal(before[name], made.weights[name]) for name in before)


@pytest.mark.parametrize("shape", [(1, True), (4, True), (1, False), (4, False)])
def test_the_micro_batch_changes_no_gradient(bases, set_environment, shape):
    set_environment(environment(bases["gemma"], "/data", "/b", LORA_DROPOUT="0"))
    model = attach(load_model(bases["gemma"], CPU, "fp32").double(), read_settings()).double()
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    documents = encode(examples(9), load_tokenizer(bases["gemma"]))
    gradients = []
    for layout in (Rows(3, 512, False), Rows(shape[0], 128, shape[1])):
        made = optimizer_step.learner(model, read_settings(), (layout, layout), 0)
        made.step(documents, 0.0, 0, lambda: False)
        gradients.append(torch.cat([weight.grad.flatten() for weight in made.weights.values()]))
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)


def test_the_loop_comes_to_the_weights_of_the_trainer_of_transformers(
    trained, bases, set_environment, tmp_path
):
    from torch.utils.data import SequentialSampler
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    changes = {"LORA_DROPOUT": "0", "NUM_TRAIN_EPOCHS": "2", "LEARNING_RATE": "0.01"}
    outcome, ours = trained(validation=0, WARMUP_RATIO="0.25", WEIGHT_DECAY="0.1", **changes)
    settings = read_settings()
    tokenizer = load_tokenizer(bases["llama"])
    documents = encode(examples(11), tokenizer)
    schedule = Schedule(11, settings)
    arguments = TrainingArguments(
        str(tmp_path),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        max_steps=8,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup_ratio,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
    )
    model = attach(load_model(bases["llama"], CPU, "fp32"), settings)
    # A step's documents are one batch, padded on the right.
    collate = DataCollatorForSeq2Seq(tokenizer)
    steps = [
        collate(
            [
                {"input_ids": documents[number].input_ids, "labels": documents[number].labels}
                for number in schedule.numbers(step)
            ]
        )
        for step in range(8)
    ]
    for batch in steps:
        batch["attention_mask"] = (batch["labels"] != -100) | (batch["input_ids"] != 1)
    trainer = Trainer(model, arguments, train_dataset=steps, data_collator=lambda batch: batch[0])
    trainer._get_train_sampler = lambda *_: SequentialSampler(steps)
    trainer.train()
    theirs = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert [loss for _, loss in outcome.curves["train"]] == pytest.approx(theirs, abs=1e-3)
    for name, weight in weights(trainer.model).items():
        torch.testing.assert_close(ours[name], weight.cpu(), rtol=1e-2, atol=1e-4)


def test_weight_decay_and_clipping_are_the_trainers(bases, set_environment):
    from transformers import Trainer, TrainingArguments

    set_environment(environment(bases["llama"], "/data", "/b", USE_DORA="true"))
    model = attach(load_model(bases["llama"], CPU, "fp32"), read_settings())
    trainer = Trainer(model, TrainingArguments("/unused", use_cpu=True, report_to="none"))
    decayed = set(trainer.get_decay_parameter_names(model))
    made = optimizer_step.learner(model, read_settings(), (Rows(2, 128, False),) * 2, 1)
    assert made.weights.keys() <= decayed
    (group,) = made.optimizer.param_groups
    assert group["weight_decay"] == 0.001 and (group["betas"], group["eps"]) == ((0.9, 0.999), 1e-8)
    made.step(encode(examples(3), load_tokenizer(bases["llama"])), 1e-3, 0, lambda: False)
    norms = torch.stack([weight.grad.norm() for weight in made.weights.values()])
    assert norms.norm() == pytest.approx(0.3, rel=1e-4)


def one_of_two(target):
    """A process of a run that two share; it leaves its weights and curves in a file."""
    processes.start(CPU)
    training_schedule.VALIDATION_SHARE = 1.0
    settings = read_settings()
    base = Path(settings.model_name)
    tokenizer = load_tokenizer(base)
    model = attach(load_model(base, CPU, "fp32"), settings)
    documents = encode(examples(14), tokenizer)
    checkpoints, observer = Checkpoints(lambda: True), Observer()
    outcome = train(
        *(model, tokenizer, documents[:11], documents[11:], settings),
        *(checkpoints, observer, Deadline()),
    )
    assert bool(checkpoints.saved) == bool(observer.lines) == (processes.rank() == 0)
    torch.save((weights(model), outcome.curves), target)
    return 0


def test_two_processes_share_a_steps_documents_and_come_to_the_result_of_one(
    trained, forks, tmp_path
):
    # An epoch's last step has two documents, one for each.
    outcome, alone = trained(LORA_DROPOUT="0", NUM_TRAIN_EPOCHS="1", LEARNING_RATE="0.01")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    log = str(tmp_path / "log")
    forks.start(
        [
            Asked(partial(one_of_two, tmp_path / f"{rank}.pt"), together | {"RANK": rank}, log, log)
            for rank in "01"
        ]
    )
    assert forks.codes() == [0, 0], Path(log).read_text()
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert same(first[0], second[0]) and first[1] == second[1]
    for name, weight in alone.items():
        torch.testing.assert_close(first[0][name], weight, rtol=1e-3, atol=1e-6)
    for kind in ("train", "validation"):
        for (_, two), (_, one) in zip(first[1][kind], outcome.curves[kind], strict=True):
            assert two == pytest.approx(one, rel=1e-5)
