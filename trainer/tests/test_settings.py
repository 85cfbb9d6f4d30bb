import pytest
from tiny import environment

from finetune.settings import SettingsError, read_settings


def read(set_environment, **changes):
    set_environment(environment("/base", "/data", "/bucket", **changes))
    return read_settings()


def test_an_empty_variable_counts_as_not_set(set_environment):
    settings = read(set_environment, PROMOTION_MINIMUM="", LORA_R="")
    assert (settings.promotion_minimum, settings.lora_r) == (None, 8)


def test_target_modules_are_names_or_all_linear(set_environment):
    named = read(set_environment, LORA_TARGET_MODULES="q_proj, v_proj")
    assert named.lora_target_modules == ["q_proj", "v_proj"]
    assert (
        read(set_environment, LORA_TARGET_MODULES="all-linear").lora_target_modules == "all-linear"
    )


def test_the_hyperparameters_of_the_manifest_leave_out_what_does_not_change_the_weights(
    set_environment,
):
    names = read(set_environment).hyperparameters().keys()
    assert {"learning_rate", "seed", "base_precision", "use_dora"} <= names
    assert not {"eval_batch_size", "logging_steps", "output_uri", "evaluation_rows"} & names


def test_fails_when_several_variables_are_wrong_and_names_them_all(set_environment):
    with pytest.raises(SettingsError) as error:
        read(set_environment, LORA_R="0", SEED="x", RUN_ID="nope", LEARNING_RATE="2")
    lines = str(error.value).splitlines()
    assert "LORA_R: received '0'; allowed: a whole number from 1 to 1024" in lines
    assert "RUN_ID: received 'nope'; allowed: 12 hexadecimal digits" in lines
    assert [line.split(":")[0] for line in lines] == ["LORA_R", "LEARNING_RATE", "SEED", "RUN_ID"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PROMPT_TEMPLATE": "{question"}, "write a literal brace twice"),
        ({"PROMPT_TEMPLATE": "no placeholder"}, "it has no placeholder"),
        ({"PROMPT_TEMPLATE": "{question!r}"}, "a bare name in braces"),
        ({"PROMPT_TEMPLATE": "{query}"}, "{query} not among {question}, {context}, {answer}"),
        ({"PROMPT_TEMPLATE": "{question} {answer}"}, "PROMPT_TEMPLATE would give {answer} away"),
        ({"DATASET_COLUMNS": "question"}, "DATASET_COLUMNS: received 'question' (it is not JSON"),
        ({"DATASET_LIMIT": "0"}, "0 would train nothing"),
        ({"PROMOTION_MINIMUM": "0.7", "EVALUATION_ROWS": "0"}, "nothing can be measured"),
        ({"CHECKPOINT_URI": "/bucket/tiny-sql/0123456789ab"}, "it is OUTPUT_URI"),
        ({"OUTPUT_URI": "s3://bucket/x"}, "allowed: gs://BUCKET/PREFIX, or an absolute path"),
    ],
)
def test_fails_when_a_setting_makes_no_sense(set_environment, changes, message):
    with pytest.raises(SettingsError) as error:
        read(set_environment, **changes)
    assert message in str(error.value)


def test_fails_when_the_environment_is_wrong_with_exit_code_2(set_environment, capsys):
    from finetune.__main__ import main

    set_environment(environment("/base", "/data", "/bucket", MAX_SEQ_LENGTH="8"))
    assert main() == 2
    assert "MAX_SEQ_LENGTH: received '8'" in capsys.readouterr().err
