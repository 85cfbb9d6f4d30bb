"""What vLLM asks of a model's class, asked while the image is built (`-m serve.model_classes`).

Without the answer on file each cold start imports torch and the model in one more process, just to
look: vllm/model_executor/models/registry.py, inspect_model_cls. vLLM itself compares the file's
hash, so an answer for another version is asked anew and never trusted.
"""

# The families that the trainer is tested with.
ARCHITECTURES = (
    "GemmaForCausalLM",
    "Gemma2ForCausalLM",
    "Gemma3ForCausalLM",
    "Gemma3ForConditionalGeneration",
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
)


def main() -> None:
    """Writes below VLLM_CACHE_ROOT. A class that cannot be looked at is left to the start."""
    from vllm.model_executor.models.registry import ModelRegistry

    for architecture in ARCHITECTURES:
        try:
            ModelRegistry.models[architecture].inspect_model_cls()
        except Exception as error:
            print(f"{architecture}: not inspected ({error})", flush=True)
        else:
            print(f"{architecture}: inspected", flush=True)


if __name__ == "__main__":
    main()
