import json

import pytest
from tiny import write_base
from tiny_adapter import write_adapter

from finetune.publishing.version_files import write_version_files
from finetune.training.base_model import load_tokenizer


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("base"), "llama")


@pytest.fixture
def publish(base, tmp_path):
    def write(end_ids=(1,), base=base, **changes):
        adapter = tmp_path / "adapter"
        if not adapter.exists():
            write_adapter(base, adapter)
        write_version_files(tmp_path / "version", base, adapter, list(end_ids), **changes)
        return tmp_path / "version"

    return write


def read(path):
    return json.loads(path.read_text("utf-8"))


def test_the_tokenizer_is_the_bases_own_without_what_training_set_on_its_copy(base, publish):
    from transformers import AutoTokenizer

    trained_with = load_tokenizer(base)
    assert trained_with.pad_token == "<eos>"
    published = AutoTokenizer.from_pretrained(publish())
    assert published.pad_token is None
    assert published("a row")["input_ids"] == trained_with("a row")["input_ids"]


def test_answers_end_at_what_was_trained_and_are_not_drawn_at_random(base, publish):
    generation = base / "generation_config.json"
    before = generation.read_text("utf-8")
    sampling = {"do_sample": True, "temperature": 0.6, "eos_token_id": [0, 1], "bos_token_id": 2}
    generation.write_text(json.dumps(sampling), "utf-8")
    try:
        version = publish(end_ids=[7, 1])
    finally:
        generation.write_text(before, "utf-8")
    written = read(version / "generation_config.json")
    assert written == {"bos_token_id": 2, "eos_token_id": [7, 1, 0], "pad_token_id": 0}


def test_the_adapter_lies_beside_and_no_path_of_this_machine_does(base, publish):
    version = publish()
    assert (version / "adapter" / "adapter_model.safetensors").is_file()
    for path in version.glob("*.json"):
        assert str(base.parent) not in path.read_text("utf-8"), path.name


def test_licence_texts_come_along_and_what_speaks_of_the_base_alone_does_not(base, publish):
    texts = ["LICENSE", "NOTICE.txt", "USE_POLICY.md"]
    # A base may be a version of ours.
    others = ["manifest.json", "_SUCCESS", "metrics.json", "report.html"]
    for name in texts + others:
        (base / name).write_text("{}")
    try:
        version = publish()
    finally:
        for name in texts + others:
            (base / name).unlink()
    names = {path.name for path in version.iterdir()}
    assert names.issuperset(texts) and names.isdisjoint([*others, "README.md"])


def test_a_base_without_a_chat_template_gets_the_given_one_and_another_keeps_its_own(
    publish, tmp_path
):
    from transformers import AutoTokenizer

    template = "{{ messages[0]['content'] }}"
    version = publish(chat_template=template)
    assert AutoTokenizer.from_pretrained(version).chat_template == template

    chatty = write_base(tmp_path / "chatty", "qwen2", "qwen2")
    own = AutoTokenizer.from_pretrained(chatty).chat_template
    assert AutoTokenizer.from_pretrained(publish(base=chatty)).chat_template == own != template


def test_gemma_3_with_pictures_publishes_its_processor(publish, tmp_path):
    version = publish(base=write_base(tmp_path / "gemma3", "gemma3_conditional"))
    assert read(version / "preprocessor_config.json")["image_processor_type"]
    assert read(version / "processor_config.json")["image_seq_length"] == 4
    assert read(version / "config.json")["architectures"] == ["Gemma3ForConditionalGeneration"]
