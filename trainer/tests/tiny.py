"""A tiny base, a tiny data set and the environment of a job, made on the spot."""

import json
from pathlib import Path
from typing import Any

from tiny_chat import chat

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


def write_tokenizer(directory: Path, shape: str, chat_format: str | None = None) -> Any:
    """
    A byte-level tokenizer trained on the rows; for gemma shapes it puts <bos> first, as Gemma's
    does. With a chat format (see tiny_chat.chat) it has that template and its special tokens, as an
    instruction-tuned model has; the end of a turn is then its end token, save for Gemma's.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    spoken = chat(chat_format) if chat_format else None
    special = ["<pad>", "<eos>", "<bos>", *(spoken.tokens if spoken else ())]
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
    if shape.startswith("gemma") or shape == "llama3":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", 2)]
        )
    kinds = {"eos_token": "<eos>", "bos_token": "<bos>"}
    if spoken and not shape.startswith("gemma"):
        kinds["eos_token"] = spoken.end
    if not shape.startswith("llama"):
        kinds["pad_token"] = "<pad>"  # llama's has none: padding and end then share an id
    if shape.startswith("qwen"):
        del kinds["bos_token"]
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **kinds)
    if spoken:
        fast.chat_template = spoken.template
    fast.save_pretrained(directory)
    return fast


def sentencepiece(first: str) -> Any:
    """
    A tokenizer as Llama 2's: it puts a space before a text ("first"), or before each piece of one
    that special tokens divide ("legacy").
    """
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    if first == "legacy":
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    byte_tokens = [f"<0x{value:02X}>" for value in range(256)]
    special = ["<unk>", "<s>", "</s>", *byte_tokens]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([" ".join(row.values()) for row in rows()], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokens = {name: AddedToken(name, special=True, normalized=False) for name in ("<s>", "</s>")}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=tokens["<s>"], eos_token=tokens["</s>"]
    )


def write_base(
    directory: Path, shape: str = "llama", chat_format: str | None = None, **changes: Any
) -> Path:
    """
    A random model of a shape with its tokenizer and a model card: llama, llama3 (scaled rope, as
    Llama 3.1 has), gemma, gemma2, gemma3 (text), gemma3_conditional (with a vision tower, as 4B and
    more have), qwen2 or qwen3. `changes` go to the (text) configuration.
    """
    import torch

    tokenizer = write_tokenizer(directory, shape, chat_format)
    torch.manual_seed(0)
    # transformers adds a token of its own to a Qwen tokenizer that lacks it.
    vocabulary = len(tokenizer) + (8 if shape.startswith("qwen") else 0)
    model = tiny_model(shape, vocabulary, **changes).to(torch.bfloat16)
    model.generation_config.eos_token_id = sorted({1, tokenizer.eos_token_id})
    model.save_pretrained(directory)
    if shape == "gemma3_conditional":
        _write_processor(directory)
    (directory / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n", "utf-8")
    return directory


def tiny_model(shape: str, vocabulary: int, **changes: Any) -> Any:
    """The random float32 model of a shape, two layers of width 32."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    kind = {"llama3": "llama", "gemma3": "gemma3_text", "gemma3_conditional": "gemma3"}
    text: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    if shape == "llama3":
        text["rope_parameters"] = {
            "rope_type": "llama3",
            "rope_theta": 500000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }
    if shape.startswith("gemma3"):
        # A window shorter than the rows, and both kinds of layer.
        text |= {
            "sliding_window": 32,
            "layer_types": ["sliding_attention", "full_attention"],
            "query_pre_attn_scalar": 16,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            },
        }
    text |= changes
    if shape != "gemma3_conditional":
        return AutoModelForCausalLM.from_config(
            AutoConfig.for_model(kind.get(shape, shape), **text)
        )
    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = AutoConfig.for_model(
        "gemma3",
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=4,
        # Ids that no text has: a random image token in the text would ask for pixels.
        boi_token_index=vocabulary - 3,
        eoi_token_index=vocabulary - 2,
        image_token_index=vocabulary - 1,
    )
    return AutoModelForImageTextToText.from_config(config)


def _write_processor(directory: Path) -> None:
    image = {
        "image_processor_type": "Gemma3ImageProcessor",
        "processor_class": "Gemma3Processor",
        "do_resize": True,
        "size": {"height": 28, "width": 28},
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(image), "utf-8")
    processor = {"image_seq_length": 4, "processor_class": "Gemma3Processor"}
    (directory / "processor_config.json").write_text(json.dumps(processor), "utf-8")


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
