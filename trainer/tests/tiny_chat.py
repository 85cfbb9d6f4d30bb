"""Chat templates as the models' own repositories ship them, for the tiny bases."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Chat:
    """A chat template, the special tokens it needs and the one that ends an answer."""

    template: str
    tokens: tuple[str, ...]
    end: str


def chat(name: str) -> Chat:
    """The chat format of gemma, gemma3, llama3, qwen2, qwen3 or smollm2."""
    if name in ("gemma", "gemma3"):
        return Chat(_from_trl(name), ("<start_of_turn>", "<end_of_turn>"), "<end_of_turn>")
    if name == "llama3":
        tokens = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
        return Chat(_from_trl(name), tokens, "<|eot_id|>")
    template = SMOLLM2 if name == "smollm2" else _from_trl({"qwen2": "qwen2_5"}.get(name, name))
    return Chat(template, ("<|im_start|>", "<|im_end|>"), "<|im_end|>")


def training_template(name: str) -> str:
    """trl's variant that marks the answers with {% generation %}; SmolLM2 has none."""
    return _from_trl({"qwen2": "qwen2_5"}.get(name, name) + "_training")


def _from_trl(name: str) -> str:
    # trl keeps copies to recognise them by; found without an import, which would load torch.
    spec = find_spec("trl")
    assert spec and spec.origin
    return (Path(spec.origin).parent / "chat_templates" / f"{name}.jinja").read_text("utf-8")
