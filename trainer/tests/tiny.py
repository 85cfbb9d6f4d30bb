"""A tiny base, a tiny data set and the environment of a job, made on the spot."""

import json
from pathlib import Path
from typing import Any

RUN_ID = "0123456789ab"
TRAINER = "abcdef012345"


def schemas(count: int) -> list[tuple[str, str, str, str]]:
    """Table, text column, number column and its CREATE TABLE statement."""
    names = [
        "ship",
        "crew",
        "port",
        "lamp",
        "tree",
        "road",
        "song",
        "book",
        "farm",
        "bird",
        "lake",
        "hill",
        "coin",
        "door",
        "desk",
        "ring",
    ]
    return [
        (
            name,
            f"{name}_name",
            f"{name}_age",
            f"CREATE TABLE {name} ({name}_name VARCHAR, {name}_age INTEGER)",
        )
        for name in names[:count]
    ]


def rows(schema_count: int = 12, per_schema: int = 5) -> list[dict[str, str]]:
    """Questions with their context and SQL answer."""
    return [
        {
            "question": f"Which {table} is older than {number}?",
            "context": context,
            "answer": f"SELECT {text} FROM {table} WHERE {age} > {number}",
        }
        for table, text, age, context in schemas(schema_count)
        for number in range(per_schema)
    ]


def write_jsonl(path: Path, lines: list[Any]) -> Path:
    """Writes JSON Lines and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def write_tokenizer(directory: Path, shape: str) -> Any:
    """
    A byte-level tokenizer trained on the rows; for gemma shapes it puts <bos> first, as Gemma's
    does.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<bos>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(row.values()) for row in rows()], trainer)
    if shape != "llama":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", 2)]
        )
    kinds = {"eos_token": "<eos>", "bos_token": "<bos>"}
    if shape != "llama":
        kinds["pad_token"] = "<pad>"  # llama's has none: padding and end then share an id
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **kinds)
    fast.save_pretrained(directory)
    return fast


def write_base(directory: Path, shape: str = "llama") -> Path:
    """A random model of a shape (llama, gemma or gemma2) with its tokenizer and a model card."""
    import torch
    from transformers import AutoModelForCausalLM, Gemma2Config, GemmaConfig, LlamaConfig

    tokenizer = write_tokenizer(directory, shape)
    torch.manual_seed(0)
    kind = {"llama": LlamaConfig, "gemma": GemmaConfig, "gemma2": Gemma2Config}[shape]
    config = kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(directory)
    (directory / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n", "utf-8")
    return directory


def environment(
    base: Path | str, dataset: Path | str, bucket: Path | str, **changes: str
) -> dict[str, str]:
    """The job's environment for a run of two steps that publishes below `bucket`."""
    return {
        "NEW_MODEL": "tiny-sql",
        "RUN_ID": RUN_ID,
        "OUTPUT_URI": f"{bucket}/tiny-sql/{RUN_ID}",
        "CHECKPOINT_URI": f"{bucket}/checkpoints/tiny-sql/{RUN_ID}",
        "RECIPE_VERSION": "1",
        "TRAINER_SOURCE_HASH": TRAINER,
        "MODEL_NAME": str(base),
        "DATASET_NAME": str(dataset),
        "DATASET_LIMIT": "-1",
        "LORA_TARGET_MODULES": "all-linear",
        "MAX_STEPS": "2",
        "LOGGING_STEPS": "1",
        "MAX_SEQ_LENGTH": "128",
        "EVALUATION_ROWS": "4",
        "LOAD_IN_4BIT": "true",
        **changes,
    }
