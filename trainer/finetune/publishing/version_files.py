"""What a version holds beside its weights, taken over from its base wherever that is possible."""

import json
import shutil
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from finetune.publishing.reader_compatibility import (
    config_for_readers,
    tokenizer_config_for_readers,
)

# By name, since a base that is a version of ours has files that speak of itself. Of Gemma 3 with
# pictures a server also needs the processor's; licences ask to be passed on with the weights.
_TAKEN_OVER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "chat_template*",
    "*processor_config.json",
    "LICENSE*",
    "LICENCE*",
    "NOTICE*",
    "COPYING*",
    "USE_POLICY*",
)


def write_version_files(
    directory: Path,
    base: Path,
    adapter: Path,
    end_ids: list[int],
    chat_template: str | None = None,
) -> None:
    """
    Writes into the version directory: settings of model, tokenizer and processor, licence texts,
    generation_config.json and `adapter/`.

    Args:
        end_ids: tokens at which an answer ends, as it was trained; the base's own come behind.
        chat_template: for a base that has none; else the base's own is taken over.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for pattern in _TAKEN_OVER:
        for path in base.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, directory / path.name)
    config = _read(base / "config.json")
    _write(directory / "config.json", config_for_readers(config))
    _write_tokenizer(base, directory)
    _write(directory / "generation_config.json", _generation(base, config, end_ids))
    if chat_template is not None:
        (directory / "chat_template.jinja").write_text(chat_template, "utf-8")
    if adapter != directory / "adapter":
        shutil.copytree(adapter, directory / "adapter", dirs_exist_ok=True)


def _write_tokenizer(base: Path, directory: Path) -> None:
    # As it was read for training, which may differ from the base's tokenizer.json: transformers 5
    # gives some families (Qwen) their own rules, 4 the file's. Read again, since training sets
    # padding on its copy, which is no business of the server's.
    AutoTokenizer.from_pretrained(base, trust_remote_code=False).save_pretrained(directory)
    path = directory / "tokenizer_config.json"
    _write(path, tokenizer_config_for_readers(_read(path)))


def _generation(base: Path, config: dict[str, Any], end_ids: list[int]) -> dict[str, Any]:
    """Only the tokens: a base's sampling defaults would make a server's answers random."""
    given = {**config.get("text_config", {}), **config, **_read(base / "generation_config.json")}
    ends = given.get("eos_token_id")
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    tokens = {
        "bos_token_id": given.get("bos_token_id"),
        "eos_token_id": list(dict.fromkeys([*end_ids, *ends])),
        "pad_token_id": given.get("pad_token_id"),
    }
    if len(tokens["eos_token_id"]) == 1:
        tokens["eos_token_id"] = tokens["eos_token_id"][0]
    return {name: value for name, value in tokens.items() if value is not None and value != []}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
