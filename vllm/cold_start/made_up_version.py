"""Version directories of any size, as the trainer publishes them."""

import json
import os
from pathlib import Path

from serve.checksum import crc32c

SHARD = 2 * 10**9
PROMPT = "Question: {question}\nContext: {context}\nAnswer:"


def random_shards(directory: Path, size: int) -> None:
    """Files of random bytes with the names of weights: to be verified, not to be loaded."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text("{}")
    block = os.urandom(2**24)
    count = -(-size // SHARD)
    for number in range(count):
        left = min(SHARD, size - number * SHARD)
        with (directory / f"model-{number + 1:05}-of-{count:05}.safetensors").open("wb") as stream:
            while left > 0:
                left -= stream.write(block[:left])
    finish(directory)


def random_llama(directory: Path, layers: int) -> None:
    """A model that vLLM loads: about 33 MB a layer, in one file, with a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    directory.mkdir(parents=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: number for number, character in enumerate(["<eos>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")
    fast.save_pretrained(directory)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(directory)
    finish(directory)


def finish(directory: Path) -> None:
    """Writes the manifest of what lies in the directory, and the marker."""
    files = [
        {
            "name": path.relative_to(directory).as_posix(),
            "size": path.stat().st_size,
            "crc32c": crc32c(path),
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    ]
    manifest = {"format": 1, "run_id": directory.name, "model": "m", "prompt": PROMPT}
    (directory / "manifest.json").write_text(json.dumps(manifest | {"files": files}))
    (directory / "_SUCCESS").touch()
