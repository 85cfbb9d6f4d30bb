"""The model to start from: fetched as files once, then loaded from them without remote code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finetune.data.source import Source, Unreachable, is_hub_id, source_files, warn_of_branch
from finetune.settings import Settings
from finetune.verdict import BadInput

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Precision = Literal["nf4", "bf16", "fp8", "fp32"]

# Weights as safetensors only: the older formats are pickles, which run code when they are read.
# Among the rest: a processor's files (preprocessor_config.json, processor_config.json) and the chat
# template (chat_template.json or .jinja), which servers of the merged model need.
# Licence texts are passed on with the merged weights.
LICENCES = ("LICENSE", "LICENSE.md", "NOTICE", "NOTICE.md", "USE_POLICY.md")
FILES = (".safetensors", ".json", ".model", ".txt", ".jinja", "README.md", *LICENCES)


def fetch_base(settings: Settings, scratch: Path) -> Source:
    """
    The base's files in a local directory; Hub and gs:// are downloaded with several connections.

    Raises:
        BadInput: there are no safetensors weights or no config.json.
        Unreachable: nothing is there, or not for this token.
    """
    name = settings.model_name
    if is_hub_id(name):
        source = _from_hub(settings)
    else:
        source = source_files(name, "MODEL_NAME", FILES, scratch / "base", settings.project_id)
    if not (source.path / "config.json").is_file():
        raise BadInput(f"MODEL_NAME={name} has no config.json: it is not a transformers model")
    if not any(source.path.glob("*.safetensors")):
        raise BadInput(
            f"MODEL_NAME={name} has no *.safetensors weights: convert it, or choose a revision "
            "that has them"
        )
    return source


def load_tokenizer(directory: Path) -> Any:
    """
    The base's tokenizer, with a padding token for batches.

    Raises:
        BadInput: it has no end token, so that the model could not learn to stop.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise BadInput("the base's tokenizer has no end token (eos_token)")
    if tokenizer.pad_token_id is None:
        # Safe: labels and attention go by position, never by the padding token's id.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    directory: Path, device: "torch.device", precision: Precision = "bf16"
) -> "PreTrainedModel":
    """
    The model on a device, with frozen weights in a precision: bf16, fp32, or on CUDA nf4 (linear
    layers in 4 bits) and fp8 (loaded in bf16; `float8` converts its linear layers afterwards).

    A base that also sees images, such as Gemma 3 of 4B and more, is loaded whole. A CPU that cannot
    multiply bfloat16 computes with the same weights in float32: emulated, a step takes several
    times as long.
    """
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForImageTextToText,
        BitsAndBytesConfig,
    )

    quantization = {}
    if precision == "nf4":
        quantization["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    sees = "vision_config" in _config(directory)
    model = (AutoModelForImageTextToText if sees else AutoModelForCausalLM).from_pretrained(
        directory,
        dtype=torch.float32 if precision == "fp32" else torch.bfloat16,
        attn_implementation=attention(directory),
        device_map={"": device},
        use_safetensors=True,
        trust_remote_code=False,
        **quantization,
    )
    return model if computing_type(device) == torch.bfloat16 else model.float()


def computing_type(device: "torch.device") -> "torch.dtype":
    """bfloat16 on a GPU, and on CPUs whose kernels for it use AVX-512; else float32."""
    import torch

    fast = device.type == "cuda" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.bfloat16 if fast else torch.float32


def attention(directory: Path) -> str:
    """
    sdpa, save where a model caps its attention scores: transformers' sdpa leaves the cap out
    without a word.
    """
    config = _config(directory)
    text = config.get("text_config", {})
    capped = config.get("attn_logit_softcapping") or text.get("attn_logit_softcapping")
    # Gemma 2's own default is a cap, also where its configuration names none.
    kinds = (config.get("model_type"), text.get("model_type"))
    return "eager" if capped or "gemma2" in kinds else "sdpa"


def licence(directory: Path) -> str | None:
    """The licence that the base's model card declares, or None."""
    from huggingface_hub import ModelCard

    card = directory / "README.md"
    try:
        data = ModelCard.load(card).data if card.is_file() else None
    except (ValueError, OSError):
        return None
    value = getattr(data, "license", None)
    return value if isinstance(value, str) else None


def _config(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "config.json").read_text("utf-8"))


def _from_hub(settings: Settings) -> Source:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError

    warn_of_branch("MODEL_REVISION", settings.model_revision)
    try:
        resolved = HfApi().model_info(settings.model_name, revision=settings.model_revision).sha
        path = snapshot_download(
            settings.model_name,
            revision=resolved,
            allow_patterns=[f"*{ending}" for ending in FILES],
            # The publisher's own format beside the transformers one, and folders with other
            # formats.
            ignore_patterns=["consolidated*", "*/*"],
        )
    except (HTTPError, HFValidationError, OSError) as error:
        raise Unreachable(not_fetched(settings, error)) from error
    return Source(Path(path), resolved)


def not_fetched(settings: Settings, error: Exception) -> str:
    """What the Hub's error means, in one line: what was received, and what to do."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = f"MODEL_NAME={settings.model_name}"
    token = "HF_TOKEN is set" if get_token() else "HF_TOKEN is not set"
    if isinstance(error, GatedRepoError):
        return (
            f"{name} is gated and {token}: accept its terms on its page, and put a token of that "
            "account into HF_TOKEN"
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"{name} has no MODEL_REVISION={settings.model_revision}: "
            "name a branch, a tag or a commit that it has"
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{name} is not on the Hub, or private, and {token}: correct the name, or put a token "
            "that may read it into HF_TOKEN"
        )
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{name}: {type(error).__name__}: {first_line}"
