"""A random llama with a tokenizer trained on the spot: real files for a real engine."""

from pathlib import Path
from typing import Any

WORDS = [
    "Question: What are the first name and last name of all candidates?",
    "Context: CREATE TABLE candidates (candidate_id VARCHAR); CREATE TABLE people (name VARCHAR)",
    "Answer: SELECT first_name, last_name FROM people WHERE person_id = 1",
]


def save_tiny_llama(directory: Path) -> None:
    """Saves config, tokenizer and bf16 weights into `directory`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        WORDS,
        trainers.BpeTrainer(vocab_size=512, special_tokens=["<eos>"], initial_alphabet=alphabet),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")
    fast.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    fast.save_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        sharpen(model)
    model.to(torch.bfloat16).save_pretrained(directory)


def sharpen(model: Any) -> None:
    """Makes answers depend on what stands where, as a trained model's do.

    Small random weights look at all places alike and are sure of nothing: with other weights or
    another rope_theta such a model would hardly answer otherwise.
    """
    for layer in model.model.layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj):
            projection.weight *= 20
        for projection in (layer.self_attn.v_proj, layer.self_attn.o_proj):
            projection.weight *= 3
    model.lm_head.weight *= 3
    # Of so many tokens one is always likelier than this one: tests of long answers need them long.
    model.lm_head.weight[model.config.eos_token_id] = 0
