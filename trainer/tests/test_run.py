import json
from pathlib import Path

import pytest
from tiny import RUN_ID, TRAINER, environment, rows, write_jsonl

from finetune.__main__ import main
from finetune.storage.checksum import stored_file

VERSION, CHECKPOINT = f"tiny-sql/{RUN_ID}", f"checkpoints/tiny-sql/{RUN_ID}"


@pytest.fixture
def dataset(tmp_path):
    return write_jsonl(tmp_path / "data" / "train.jsonl", rows()).parent


def verdict_in(bucket: Path):
    return json.loads((bucket / CHECKPOINT / "_REJECTED").read_text("utf-8"))


def test_a_run_publishes_a_version_that_transformers_reloads(
    bases, dataset, tmp_path, set_environment, without_torch, capfd
):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    bucket = tmp_path / "bucket"
    variables = set_environment(environment(bases["gemma"], dataset, bucket))
    assert main() == 0
    version = bucket / VERSION
    manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    assert (version / "_SUCCESS").is_file()
    assert list(manifest["files"]) == sorted(manifest["files"], key=lambda file: file["name"])
    for file in manifest["files"]:
        stored = stored_file(version / file["name"])
        assert (stored.size, stored.crc32c) == (file["size"], file["crc32c"])
    assert manifest["license"] == "apache-2.0"
    assert manifest["hyperparameters"]["max_seq_length"] == 128
    metrics = json.loads((version / "metrics.json").read_text("utf-8"))
    assert metrics == manifest["metrics"]
    assert metrics["steps"] == 2 and metrics["held_out_rows"] == 4
    assert metrics["execution_match"] is not None
    # The same adapter on the base that it was trained with, and merged.
    assert metrics["training_base_held_out_loss"] == pytest.approx(
        metrics["held_out_loss"], rel=1e-2
    )

    tokenizer = AutoTokenizer.from_pretrained(version)
    model = AutoModelForCausalLM.from_pretrained(version)
    inputs = tokenizer("Question: Which", return_tensors="pt")
    assert model.generate(**inputs, max_new_tokens=3).shape[1] > inputs["input_ids"].shape[1]

    out, err = capfd.readouterr()
    assert "step 2 of 2, loss " in out and "BASE_PRECISION=nf4 is ignored" in out
    assert "\r" not in out + err
    # No path of the machine that trained.
    assert str(bases["gemma"].parent) not in (version / "config.json").read_text("utf-8")

    again = without_torch(variables)
    assert (again.returncode, again.stderr) == (0, "")
    assert "is published already" in again.stdout


def test_base_data_and_version_may_all_be_in_a_bucket(bases, dataset, cloud, set_environment):
    for path in bases["llama"].iterdir():
        cloud.objects["models", f"bases/tiny/{path.name}"] = path.read_bytes()
    cloud.objects["models", "sets/rows.jsonl"] = (dataset / "train.jsonl").read_bytes()
    set_environment(environment("gs://models/bases/tiny", "gs://models/sets", "gs://models"))
    assert main() == 0
    published = cloud.below("models", f"{VERSION}/")
    staged = cloud.below("models", f"{CHECKPOINT}/staging/")
    assert published.pop("_SUCCESS") == b""
    assert published == staged
    # The card's licence comes with the base's files.
    assert json.loads(published["manifest.json"])["license"] == "apache-2.0"


def test_an_attempt_after_a_crash_in_mid_publish_goes_on_with_the_same_bytes(
    bases, dataset, cloud, set_environment, without_torch
):
    variables = set_environment(environment(bases["llama"], dataset, "gs://models"))
    write = cloud.put

    def refuse_the_third_of_the_version(bucket, name, data, create):
        if name.startswith(VERSION) and len(cloud.below("models", f"{VERSION}/")) == 2:
            return 403, {"error": {"code": 403, "message": "refused"}}
        return write(bucket, name, data, create)

    cloud.put = refuse_the_third_of_the_version
    assert main() == 1
    staged = cloud.below("models", f"{CHECKPOINT}/staging/")
    half = cloud.below("models", f"{VERSION}/")
    assert "manifest.json" in staged and len(half) == 2
    cloud.put = write
    again = without_torch(variables)
    assert (again.returncode, again.stderr) == (0, "")
    assert "publishing it without training" in again.stdout
    published = cloud.below("models", f"{VERSION}/")
    assert published.pop("_SUCCESS") == b""
    assert published == staged


def test_fails_when_the_model_is_below_the_bar_and_a_lower_bar_publishes_it_without_training(
    bases, dataset, tmp_path, set_environment, without_torch, capsys
):
    bucket = tmp_path / "bucket"
    asked = environment(bases["llama"], dataset, bucket, PROMOTION_METRIC="exact_match")
    variables = set_environment({**asked, "PROMOTION_MINIMUM": "0.7"})
    assert main() == 3
    assert "the promotion asks for at least 0.7" in capsys.readouterr().err
    verdict = verdict_in(bucket)
    assert verdict["bar"]["minimum"] == 0.7 and verdict["metrics"]["exact_match"] == 0.0
    assert (Path(verdict["adapter"]) / "adapter_model.safetensors").is_file()
    assert not (bucket / VERSION).exists()

    again = without_torch(variables)
    assert again.returncode == 3
    assert "an earlier attempt decided" in again.stderr
    # Also where the verdict got lost: what was evaluated is only judged.
    (bucket / CHECKPOINT / "_REJECTED").unlink()
    again = without_torch(variables)
    assert again.returncode == 3
    assert "the promotion asks for at least 0.7" in again.stderr

    set_environment({"PROMOTION_MINIMUM": "0"})
    assert main() == 0
    out = capsys.readouterr().out
    assert "judging it again" in out and "step" not in out and "held_out_loss" not in out
    assert (bucket / VERSION / "_SUCCESS").is_file()
    assert not (bucket / CHECKPOINT / "_REJECTED").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"LORA_TARGET_MODULES": "nothing"}, "LORA_TARGET_MODULES: "),
        ({"MAX_SEQ_LENGTH": "16"}, "no usable row"),
    ],
)  # fmt: skip
def test_fails_when_settings_do_not_fit_base_or_data_with_code_2_and_a_verdict(
    bases, dataset, tmp_path, set_environment, capsys, changes, message
):
    bucket = tmp_path / "bucket"
    set_environment(environment(bases["llama"], dataset, bucket, **changes))
    assert main() == 2
    assert message in capsys.readouterr().err
    verdict = verdict_in(bucket)
    assert verdict["exit_code"] == 2 and message in verdict["reason"]


def test_fails_when_the_environment_is_not_valid_with_code_2_and_a_verdict_that_names_it(
    tmp_path, set_environment
):
    bucket = tmp_path / "bucket"
    set_environment(environment("base", "data", bucket, LORA_R="eight", SEED=""))
    assert main() == 2
    verdict = verdict_in(bucket)
    assert (verdict["exit_code"], verdict["trainer"]) == (2, TRAINER)
    assert verdict["variables"]["LORA_R"] == "eight"
    assert "LORA_R: received 'eight'" in verdict["reason"]


def test_fails_when_the_environment_does_not_say_where_a_verdict_goes(set_environment, capsys):
    set_environment(environment("base", "data", "bucket", CHECKPOINT_URI="", LORA_R="eight"))
    assert main() == 2
    assert "LORA_R: received 'eight'" in capsys.readouterr().err


def test_fails_when_the_base_has_only_pickled_weights(dataset, tmp_path, set_environment, capsys):
    base = tmp_path / "pickled"
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "pytorch_model.bin").write_bytes(b"")
    set_environment(environment(base, dataset, tmp_path / "bucket"))
    assert main() == 2
    assert "has no *.safetensors weights" in capsys.readouterr().err


def test_fails_when_the_base_is_missing_without_a_verdict(dataset, tmp_path, set_environment):
    bucket = tmp_path / "bucket"
    set_environment(environment(tmp_path / "missing", dataset, bucket))
    assert main() == 1
    assert not (bucket / CHECKPOINT / "_REJECTED").exists()
