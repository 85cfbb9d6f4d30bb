"""
A version is read alike by the transformers that wrote it and by the last of the generation before.

The second reader is a process of its own: 4.57.6 lies in a folder of the environment that
rehearsal/make_environment.py makes, and comes before everything else on that process's path.
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import read_versions
import torch
from forks import Asked
from tiny import write_base
from tiny_adapter import write_adapter, write_version

from finetune.publishing.reader_compatibility import (
    config_for_readers,
    tensor_name_for_readers,
    tokenizer_config_for_readers,
)

OLDER = Path(sys.prefix) / "transformers-4"
FAR = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}
# Beside each shape: what its reader of the generation before would fall back from.
SHAPES = {
    "gemma": {},
    "gemma2": {},
    "gemma3": {},  # linear scaling, and other positions in sliding windows
    "gemma3_conditional": {},
    "llama": FAR,
    "llama3": {},  # llama3's scaling
    "qwen2": FAR,
    "qwen3": FAR,
}
CHATS = {"gemma3": "gemma3", "llama3": "llama3", "qwen2": "qwen2", "qwen3": "qwen3"}


def the_older_one(target, versions):
    """A process that reads versions with the transformers of the generation before."""
    variables = {**os.environ, "PYTHONPATH": str(OLDER), "HF_HUB_OFFLINE": "1"}
    arguments = [read_versions.__file__, target, *versions]
    return subprocess.Popen([sys.executable, *arguments], env=variables)


@pytest.fixture(scope="module")
def readings(forks, tmp_path_factory):
    if not OLDER.is_dir():
        pytest.skip(f"{OLDER} is not there: npm test makes an environment that has it")
    versions = []
    for shape, changes in SHAPES.items():
        directory = tmp_path_factory.mktemp("versions") / shape
        base = write_base(directory / "base", shape, CHATS.get(shape), **changes)
        adapter = write_adapter(base, directory / "adapter")
        versions.append(str(write_version(base, adapter, directory / "version")))
    new, old = (str(tmp_path_factory.mktemp("readings") / name) for name in ("new", "old"))
    log = f"{new}.log"
    older = the_older_one(old, versions)
    newer = partial(read_versions.read_versions, new, versions)
    forks.start([Asked(newer, {**os.environ, "HF_HUB_OFFLINE": "1"}, log, log)])
    assert forks.codes() == [0], Path(log).read_text()
    assert older.wait(timeout=300) == 0
    return [torch.load(target) for target in (new, old)]


def test_the_other_reader_is_of_the_generation_before(readings):
    assert [one["version"].split(".")[0] for one in readings] == ["5", "4"]


@pytest.mark.parametrize("shape", SHAPES)
def test_both_generations_compute_the_same_from_a_version(readings, shape):
    new, old = (one[shape] for one in readings)
    assert new["logits"].shape[0] == read_versions.LENGTH
    assert (new["logits"] - old["logits"]).abs().max() == 0.0
    assert new["ids"] == old["ids"]
    assert new["chat"] == old["chat"]


def test_positions_are_written_in_the_words_of_both():
    scaling = {"rope_type": "llama3", "factor": 8.0}
    plain = config_for_readers({"rope_parameters": {"rope_theta": 5e5, **scaling}})
    assert plain["rope_theta"] == 5e5 and plain["rope_scaling"] == scaling
    assert plain["rope_parameters"] == {"rope_theta": 5e5, **scaling}
    assert plain["torch_dtype"] == plain["dtype"] == "bfloat16"

    layers = {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    }
    nested = config_for_readers({"text_config": {"rope_parameters": layers}})["text_config"]
    assert nested["rope_theta"] == 1e6 and nested["rope_local_base_freq"] == 1e4
    assert nested["rope_scaling"] == {"rope_type": "linear", "factor": 8.0}
    assert nested["torch_dtype"] == "bfloat16"


def test_the_words_of_the_generation_before_stay_as_they_are():
    older = {"rope_theta": 1e6, "rope_scaling": {"rope_type": "linear", "factor": 2.0}}
    assert config_for_readers(older) == {**older, "dtype": "bfloat16", "torch_dtype": "bfloat16"}


def test_a_share_of_each_head_that_turns_is_kept():
    rope = {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}
    assert config_for_readers({"rope_parameters": rope})["partial_rotary_factor"] == 0.5


def test_a_tokenizer_names_a_class_that_both_know_and_nothing_of_this_machine():
    written = {
        "tokenizer_class": "TokenizersBackend",
        "extra_special_tokens": ["<a>"],
        "model_specific_special_tokens": {"image_token": "<image>"},
        "is_local": True,
        "name_or_path": "/somewhere",
        "eos_token": "<eos>",
    }
    assert tokenizer_config_for_readers(written) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "additional_special_tokens": ["<a>"],
        "extra_special_tokens": {"image_token": "<image>"},
        "model_specific_special_tokens": {"image_token": "<image>"},
        "eos_token": "<eos>",
    }


def test_only_siglips_weights_are_renamed():
    siglip = {"vision_config": {"model_type": "siglip_vision_model"}}
    old = "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight"
    assert tensor_name_for_readers("vision_tower.encoder.layers.0.mlp.fc1.weight", siglip) == old
    assert tensor_name_for_readers(old, siglip) == old
    assert tensor_name_for_readers("language_model.x", siglip) == "language_model.x"
    assert tensor_name_for_readers("vision_tower.encoder.x", {}) == "vision_tower.encoder.x"
