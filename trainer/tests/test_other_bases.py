"""Whole runs on tiny bases of other families, on rows in columns and on chats."""

import json

import pytest
from tiny import RUN_ID, environment, rows, write_base, write_jsonl
from tiny_chat import chat

from finetune.__main__ import main

# shape, chat format of the base (None: it has no template), format of the data set
RUNS = [
    ("llama3", "llama3", "messages"),
    ("llama", None, "messages"),
    ("qwen2", "qwen2", "columns"),
    ("qwen3", "qwen3", "messages"),
    ("gemma", None, "columns"),
    ("gemma3", "gemma3", "messages"),
    ("gemma3_conditional", "gemma3", "messages"),
]


def chats():
    """Each row as a chat of two turns with a system message."""
    return [
        {
            "messages": [
                {"role": "system", "content": f"Answer in SQL. {row['context']}"},
                {"role": "user", "content": row["question"]},
                {"role": "assistant", "content": row["answer"]},
                {"role": "user", "content": "And all?"},
                {"role": "assistant", "content": row["answer"].split(" WHERE")[0]},
            ]
        }
        for row in rows(12, 3)
    ]


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: "-".join(map(str, run)))
def published(request, tmp_path_factory):
    """Base and version directory of one run."""
    shape, chat_format, data = request.param
    where = tmp_path_factory.mktemp(shape)
    base = write_base(where / "base", shape, chat_format)
    lines = chats() if data == "messages" else rows(12, 3)
    variables = environment(
        base,
        write_jsonl(where / "a.jsonl", lines),
        where / "bucket",
        DATASET_FORMAT=data,
        MAX_SEQ_LENGTH="320",
        EVALUATION_ROWS="2",
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        assert main() == 0
    return shape, chat_format, data, base, where / "bucket" / "tiny-sql" / RUN_ID


def tensors(directory):
    from safetensors.torch import load_file

    return {
        # transformers 5 leaves out of the vision tower's names what published bases have in them.
        name.replace("vision_tower.vision_model.", "vision_tower."): tensor
        for path in directory.glob("*.safetensors")
        for name, tensor in load_file(path).items()
    }


def test_a_version_of_every_family_answers_and_stops_as_it_was_trained(published):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shape, chat_format, data, base, version = published
    assert (version / "_SUCCESS").is_file()
    tokenizer = AutoTokenizer.from_pretrained(version)
    model = AutoModelForCausalLM.from_pretrained(version)
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    end = chat(chat_format).end if chat_format and data == "messages" else tokenizer.eos_token
    assert tokenizer.convert_tokens_to_ids(end) in ends
    assert tokenizer.eos_token_id in ends
    question = [{"role": "user", "content": "Which ship?"}]
    inputs = tokenizer.apply_chat_template(
        question, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    inputs.pop("token_type_ids", None)
    assert model.generate(**inputs, max_new_tokens=2, do_sample=False).shape[0] == 1
    if chat_format:
        template = (base / "chat_template.jinja").read_text("utf-8")
        assert (version / "chat_template.jinja").read_text("utf-8") == template
    elif data == "messages":
        assert tokenizer.decode(inputs["input_ids"][0]) == "User: Which ship?\nAssistant:"
    else:
        assert tokenizer.decode(inputs["input_ids"][0]) == "<bos>Which ship?"

    before, after = tensors(base), tensors(version)
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    # Every linear layer of the language model has learnt, and nothing else has: no vision tower, no
    # embeddings.
    linear = {
        name
        for name in before
        if ".layers." in name and "vision" not in name and before[name].dim() == 2
    }
    assert changed == linear
    manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    names = {file["name"] for file in manifest["files"]}
    if shape == "gemma3_conditional":
        assert {"preprocessor_config.json", "processor_config.json"} <= names
    metrics = json.loads((version / "metrics.json").read_text("utf-8"))
    assert metrics["steps"] == 2 and metrics["held_out_rows"] >= 2
