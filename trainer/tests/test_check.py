import json
import os
from functools import partial
from types import SimpleNamespace

import pytest
from tiny import environment, rows, write_base, write_jsonl

from finetune import check as checks
from finetune.__main__ import main
from finetune.check import check_environment
from finetune.checking.accelerators import ACCELERATORS
from finetune.checking.base_facts import BaseFacts, base_facts
from finetune.checking.duration import Work, duration
from finetune.checking.memory import memory, precision_on
from finetune.checking.shown_row import shown_row
from finetune.command_line import command
from finetune.data.encoding import IGNORED, Encoded
from finetune.data.source import Source
from finetune.settings import read_settings
from finetune.training.precision import bytes_needed


@pytest.fixture
def dataset(tmp_path):
    return write_jsonl(tmp_path / "data" / "train.jsonl", rows(16, 6)).parent


@pytest.fixture
def check(monkeypatch, capsys):
    """Checks with these variables alone, as on a machine that is no job's."""

    def run_check(**variables):
        for name in environment("", "", ""):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        code = check_environment()
        return code, *capsys.readouterr()

    return run_check


def test_base_and_data_set_alone_are_enough_and_torch_is_not_needed(bases, dataset, without_torch):
    variables = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    variables |= {"MODEL_NAME": str(bases["gemma"]), "DATASET_NAME": str(dataset)}
    done = without_torch(variables, partial(command, ["--check"], main))
    assert done.returncode == 0, done.stderr
    assert "\nAnswer:>>> SELECT " in done.stdout and "<eos><<<\n" in done.stdout
    assert "\n<bos>Question: Which " in done.stdout


def test_rows_steps_tokens_memory_time_and_cost_are_told(bases, check, dataset):
    line = {**rows(1, 1)[0], "answer": "", "question": "Who?"}
    with (dataset / "train.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    code, out, err = check(
        MODEL_NAME=bases["gemma"],
        DATASET_NAME=dataset,
        EVALUATION_ROWS=10,
        GRADIENT_ACCUMULATION_STEPS=4,
        MAX_SEQ_LENGTH=256,
        PRICE_PER_HOUR=3600,
    )
    assert (code, err) == (0, "")
    found = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "97 read; dropped: 1 empty, 0 malformed" in found["rows"]
    assert "80 for training, 4 for the choice of the checkpoint, 12 held out" in out or (
        "for training" in out and "held out for the verdict" in out
    )
    assert (
        "of 4 rows (TRAIN_BATCH_SIZE 1 x GRADIENT_ACCUMULATION_STEPS 4), 1.00 epochs"
        in (found["steps"])
    )
    assert "in the longest (MAX_SEQ_LENGTH 256)" in found["tokens"]
    assert "% of sequences of 256" in found["packing"]
    assert "at least bf16 1.0 GiB, nf4 1.0 GiB, fp8 1.0 GiB" in found["memory"]
    assert "30,400 parameters" in found["base"]
    assert "USD by PRICE_PER_HOUR" in found["nvidia-l4:"]
    assert "not measured" in found["nvidia-l4:"]
    assert "line 97 of train.jsonl (column answer is blank)" in out


def test_a_chat_is_shown_with_every_answer_marked(check, tmp_path):
    base = write_base(tmp_path / "base", "llama3", "llama3")
    chat = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yo"},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "No"},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", [{"messages": chat}])
    code, out, _ = check(
        MODEL_NAME=base, DATASET_NAME=path, DATASET_FORMAT="messages", EVALUATION_ROWS=0
    )
    assert code == 0
    assert ">>>Yo<|eot_id|><<<<|start_header_id|>user" in out
    assert "assistant<|end_header_id|>\n\n>>>No<|eot_id|><<<" in out


def test_nothing_is_written_but_to_scratch(bases, check, dataset, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    variables = environment(bases["llama"], dataset, tmp_path / "bucket")
    assert check(**variables)[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_fails_when_several_things_are_wrong_and_names_them_all(bases, check, dataset):
    code, _, err = check(
        MODEL_NAME=bases["llama"],
        DATASET_NAME=dataset,
        DATASET_COLUMNS='{"question": "qestion", "context": "context", "answer": "answer"}',
        LORA_TARGET_MODULES="q_proj,query",
        START_ADAPTER="/nowhere",
        PROMOTION_MUST_BEAT="/neither",
    )
    assert code == 2
    assert "column qestion, which" in err and "did you mean question?" in err
    assert "LORA_TARGET_MODULES: the base has no query" in err
    assert "START_ADAPTER=/nowhere" in err
    assert "PROMOTION_MUST_BEAT=/neither is not published" in err


def test_fails_when_base_and_rows_are_both_wrong(check, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "Hi"}])
    for changes in ({}, {"DATASET_FORMAT": "messages"}):
        code, _, err = check(MODEL_NAME=tmp_path / "none", DATASET_NAME=path, **changes)
        assert code == 2
        assert "MODEL_NAME=" in err and "does not have: it has text" in err


def test_fails_when_the_environment_is_not_valid_and_names_every_variable(check):
    code, _, err = check(LORA_R=0, SEED="x")
    assert code == 2
    assert "LORA_R: received '0'" in err and "SEED: received 'x'" in err
    assert "RUN_ID" not in err


def test_fails_when_the_hub_is_not_reached_in_a_line(check, dataset):
    code, _, err = check(MODEL_NAME="google/gemma-2b", DATASET_NAME=dataset)
    assert code == 2
    assert "error: MODEL_NAME=google/gemma-2b: " in err and "Traceback" not in err


def test_arguments_are_few_and_others_are_refused_with_the_usage(capsys):
    assert command([], lambda: 7) == 7
    assert command(["--help"], None) == 0
    assert "usage: python -m finetune" in capsys.readouterr().out
    for arguments in (["--chek"], ["--check", "now"], ["train"]):
        assert command(arguments, None) == 2
        err = capsys.readouterr().err
        assert f"unknown arguments: {' '.join(arguments)}" in err and "usage: " in err


def test_control_characters_of_a_row_are_shown_as_escapes(bases):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bases["llama"])
    ids = tokenizer("\x1b[31mred\x00\n")["input_ids"]
    shown = shown_row(Encoded(ids, [IGNORED] * 3 + ids[3:]), tokenizer)
    assert "\x1b" not in shown and "\x00" not in shown
    assert shown.startswith("\\x1b[3>>>") and shown.endswith("\\x00\n<<<")


@pytest.fixture
def gemma_2b():
    """The shapes of google/gemma-2b."""
    shapes = {"model.embed_tokens.weight": (256000, 2048)}
    for layer in range(18):
        one = {
            "self_attn.q_proj": (2048, 2048),
            "self_attn.k_proj": (256, 2048),
            "self_attn.v_proj": (256, 2048),
            "self_attn.o_proj": (2048, 2048),
            "mlp.gate_proj": (16384, 2048),
            "mlp.up_proj": (16384, 2048),
            "mlp.down_proj": (2048, 16384),
            "input_layernorm": (2048,),
        }
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in one.items()}
    config = {"hidden_size": 2048, "num_hidden_layers": 18, "intermediate_size": 16384}
    parameters = sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes.values())
    return BaseFacts(Source(None, ""), config, shapes, parameters)


def test_memory_of_gemma_2b_by_precision(set_environment, gemma_2b):
    set_environment(environment("/base", "/data", "/bucket", LOAD_IN_4BIT=""))
    settings = read_settings()
    assert gemma_2b.linear_parameters == pytest.approx(1.98e9, rel=0.01)
    gib = {name: memory(gemma_2b, settings, name) / 2**30 for name in ("bf16", "nf4", "fp8")}
    # 5.0 GB of bf16 weights, or 1.05 GB of embeddings and about 1.1 GB of 4-bit ones.
    assert gib["bf16"] == pytest.approx(5.0 / 1.074 + 1.3, abs=0.3)
    assert gib["nf4"] == pytest.approx(2.2 / 1.074 + 1.3, abs=0.3)
    assert gib["fp8"] == pytest.approx(gib["bf16"], abs=0.1)
    assert precision_on(gemma_2b, settings, 22.5) == "bf16"
    assert precision_on(gemma_2b, settings, 4.0) == "nf4"


def test_memory_agrees_with_what_decides_the_precision_of_a_run(set_environment, bases, tmp_path):
    set_environment(environment(bases["gemma"], "/data", "/bucket"))
    settings = read_settings()
    facts = base_facts(settings, tmp_path)
    assert memory(facts, settings, "bf16") == pytest.approx(
        bytes_needed(settings, bases["gemma"]), rel=0.01
    )


def test_time_follows_the_work_and_the_card(set_environment, gemma_2b):
    set_environment(environment("/base", "/data", "/bucket"))
    settings = read_settings()
    h100, l4 = ACCELERATORS["nvidia-h100-80gb"], ACCELERATORS["nvidia-l4"]
    # Large steps: 56,367 tokens a second on an H100, as measured (docs/performance.md).
    work = Work(100, 16384, 0, 0, 60, 30)
    seconds = duration(work, gemma_2b, settings, h100).training
    assert 100 * 16384 / seconds == pytest.approx(56_367, rel=0.05)
    assert duration(work, gemma_2b, settings, l4).training > 8 * seconds
    # Small ones wait for their kernels instead.
    small = Work(100, 180, 0, 0, 60, 30)
    assert duration(small, gemma_2b, settings, h100).training == pytest.approx(3.6)
    scored = duration(Work(100, 180, 0, 500, 60, 30), gemma_2b, settings, l4)
    assert 0 < scored.scoring <= 1.4 * settings.evaluation_seconds


def test_a_base_on_the_hub_is_looked_at_without_its_weights(
    monkeypatch, set_environment, tmp_path, bases
):
    import huggingface_hub

    asked = {}

    class Api:
        def model_info(self, name, revision):
            return SimpleNamespace(sha="c" * 40)

        def get_safetensors_metadata(self, name, revision):
            tensors = {"model.layers.0.q_proj.weight": SimpleNamespace(shape=[64, 32])}
            return SimpleNamespace(files_metadata={"a": SimpleNamespace(tensors=tensors)})

    def download(name, **options):
        asked.update(options)
        return str(bases["gemma"])

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    set_environment(environment("owner/base", "/data", "/bucket", MODEL_REVISION="c" * 40))
    facts = base_facts(read_settings(), tmp_path)
    assert facts.parameters == facts.linear_parameters == 64 * 32
    assert facts.source.resolved == asked["revision"] == "c" * 40
    assert not any("safetensors" in pattern for pattern in asked["allow_patterns"])


def test_a_base_in_a_bucket_is_looked_at_without_its_weights(
    cloud, set_environment, tmp_path, bases
):
    for path in bases["gemma"].iterdir():
        cloud.objects["models", f"tiny/{path.name}"] = path.read_bytes()
    set_environment(environment("gs://models/tiny", "/data", "/bucket"))
    facts = base_facts(read_settings(), tmp_path)
    assert facts.parameters == pytest.approx(30_400, rel=0.1)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_stand_ins_are_for_what_a_check_never_uses():
    assert set(checks.STAND_INS) == {
        "run_id",
        "output_uri",
        "checkpoint_uri",
        "recipe_version",
        "trainer_source_hash",
    }
