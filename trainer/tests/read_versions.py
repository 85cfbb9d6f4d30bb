"""What the transformers of a process makes of versions: token ids, a rendered chat, logits."""

import gc
import sys
from pathlib import Path
from typing import Any

LENGTH = 300
TEXTS = [
    "Question: Which ship is older than 3?\nContext: CREATE TABLE ship (ship_age INTEGER)\nAnswer:",
    "  größer 你好 <eos>\n\n<|im_start|>user it's 1234",
    "",
]


def read_versions(target: str, directories: list[str]) -> int:
    """Writes what it reads to `target`, by the names of the directories above the versions."""
    import torch
    import transformers

    answers: dict[str, Any] = {"version": transformers.__version__}
    for directory in directories:
        answers[Path(directory).parent.name] = _read(directory)
    torch.save(answers, target)
    return 0


def _read(directory: str) -> dict[str, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)
    model, faults = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not faults["missing_keys"] and not faults["unexpected_keys"], faults
    ids = (torch.arange(LENGTH) * 7 % 350 + 3).unsqueeze(0)
    with torch.no_grad():
        logits = model.eval()(input_ids=ids).logits[0]
    chat = [{"role": "user", "content": TEXTS[0]}]
    return {
        "ids": [tokenizer(text)["input_ids"] for text in TEXTS],
        "chat": tokenizer.apply_chat_template(chat, tokenize=False)
        if tokenizer.chat_template
        else None,
        "logits": logits,
    }


if __name__ == "__main__":
    gc.disable()  # for imports alone it would search a million objects, again and again
    sys.exit(read_versions(sys.argv[1], sys.argv[2:]))
