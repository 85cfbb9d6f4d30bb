import pytest
from huggingface_hub import ModelCardData
from tiny import environment

from finetune.publishing.manifest import Lineage
from finetune.publishing.model_card import model_card
from finetune.settings import read_settings


@pytest.fixture
def card(set_environment):
    def write(metrics, licence="gemma", **changes):
        set_environment(environment("google/gemma-2b", "b-mc2/sql-create-context", "/b", **changes))
        return model_card(read_settings(), Lineage("c0ffee", "data", licence), metrics)

    return write


METRICS = {
    "held_out_rows": 500,
    "scored_rows": 400,
    "steps": 2500,
    "quantization": "nf4",
    "execution_match": 0.8125,
    "execution_match_interval": [0.7714, 0.8476],
    "exact_match": 0.7,
    "held_out_loss": 0.123456,
    "base": {
        "execution_match": 0.1,
        "with_examples": {"examples": 3, "execution_match": 0.4},
    },
}


def test_the_card_names_base_data_licence_prompt_and_scores_with_intervals(card):
    text = card(METRICS)
    front = text.split("---")[1]
    for line in ("license: gemma", "base_model: google/gemma-2b", "  - b-mc2/sql-create-context"):
        assert line in front.splitlines()
    assert "Question: {question}\nContext: {context}\nAnswer:" in text
    assert "| this model | base | base, 3 examples in the prompt |" in text
    assert "| 0.8125 (0.771 to 0.848) | 0.1 | 0.4 |" in text
    assert "On 400 held-out rows" in text
    assert "token_f1" not in text  # nothing was measured
    assert "2500 steps of 2 rows" in text and "held in nf4" in text


def test_the_front_matter_is_what_the_hub_reads(card):
    import yaml

    front = yaml.safe_load(card(METRICS, licence="other: see LICENSE").split("---")[1])
    assert front["license"] == "other: see LICENSE"
    assert ModelCardData(**front).base_model == "google/gemma-2b"


def test_a_card_without_held_out_rows_or_licence_says_so(card):
    text = card({"held_out_rows": 0, "steps": 2, "base": None}, licence=None)
    assert "no row was held out" in text
    assert "not stated in its model card" in text and "license:" not in text


def test_a_chat_model_is_asked_with_its_template(card):
    text = card(METRICS, DATASET_FORMAT="messages")
    assert "With the chat template that comes with the tokenizer" in text
