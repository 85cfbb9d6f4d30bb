"""What the container is told on its command line."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the start-up script reads itself; `rest` goes to `vllm serve` as it came."""

    model: str
    host: str
    port: int
    dtype: str
    generation_config: str
    served_model_name: Sequence[str]
    load_format: str
    stream_memory_gib: float
    verify: str
    compile_cache: str | None
    rest: Sequence[str]

    @property
    def in_bucket(self) -> bool:
        return self.model.startswith("gs://")


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Reads the container's arguments; argparse ends the process with code 2 where one is wrong."""
    # No abbreviations: --max would otherwise be taken from vLLM's own --max-model-len.
    parser = argparse.ArgumentParser(prog="python3 -m serve", allow_abbrev=False)
    parser.add_argument("--model", required=True, help="version: directory, or gs://BUCKET/...")
    parser.add_argument("--host", default="0.0.0.0")
    # Cloud Run tells the port in PORT: https://cloud.google.com/run/docs/container-contract
    parser.add_argument("--port", type=int, default=environment.get("PORT") or 8000)
    # The trainer saves bf16, and vLLM refuses fp16 for Gemma 2 and 3.
    parser.add_argument("--dtype", default="bfloat16")
    # "vllm" keeps the sampling defaults of the checkpoint's generation_config.json out.
    parser.add_argument("--generation-config", default="vllm")
    named = environment.get("MODEL_ID")
    parser.add_argument("--served-model-name", nargs="+", default=[named] if named else [])
    parser.add_argument(
        "--load-format",
        choices=["mount", "stream"],
        default="mount",
        help="read the weights as files, or with the Run:ai streamer",
    )
    parser.add_argument(
        "--stream-memory-gib",
        type=float,
        default=4.0,
        help="buffer of the streamer; its own default of 40 GB is more than a container has",
    )
    parser.add_argument(
        "--verify",
        choices=["sizes", "all"],
        default="sizes",
        help="compare sizes (and the crc32c of small files), or the crc32c of every file",
    )
    parser.add_argument(
        "--compile-cache", help="gs://BUCKET/PREFIX that keeps what vLLM compiled, between starts"
    )
    known, rest = parser.parse_known_args(arguments)
    settings = Settings(**vars(known), rest=rest)
    if settings.in_bucket and settings.load_format != "stream":
        parser.error(f"--model={settings.model} can be read with --load-format=stream alone")
    if settings.stream_memory_gib <= 0:
        parser.error(f"--stream-memory-gib={settings.stream_memory_gib}: expected more than 0")
    if settings.compile_cache and not settings.compile_cache.startswith("gs://"):
        parser.error(f"--compile-cache={settings.compile_cache}: expected gs://BUCKET/PREFIX")
    return settings
