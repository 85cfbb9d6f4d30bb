"""
python -m bench [--documents 64] [--job 5000] [--memory-gb 22] [--only WORD]

Prints one table: tokens a second in training once warm and for a whole job, peak memory and the
share of the card's bf16 peak, for the tutorial's recipe, trl's packing and this trainer. Without a
GPU the shapes are small, and the figures say that it runs.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from bench.documents import documents
from bench.measured import COLUMNS, Measured, row
from bench.shape import GEMMA_2B, SMALL, flops, peak_flops, write_base
from bench.this_trainer import this_trainer

Recipe = tuple[str, Callable[[str], Measured]]


def main() -> None:
    """Measures recipe by recipe; one that fails says why, and the others go on."""
    arguments = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    shape = GEMMA_2B if on_gpu else SMALL
    card = torch.cuda.get_device_name() if on_gpu else "cpu"
    print(f"{card}, torch {torch.__version__}, transformers {transformers.__version__}", flush=True)
    if on_gpu:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, arguments.memory_gb * 1e9 / total))
    peak = peak_flops(device)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    job = documents(arguments.job, shape.vocabulary)
    tokens = sum(len(document.input_ids) for document in job)
    each = flops(shape, job) / tokens
    print(
        f"{len(job)} documents of {tokens / len(job):.0f} tokens, {each / 1e9:.2f} GFLOP a token; "
        + (f"bf16 peak {peak / 1e12:.0f} TFLOP/s, {arguments.memory_gb} GB" if peak else "no GPU")
    )
    print(row(*COLUMNS), flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        base = write_base(shape, Path(directory), device)
        for name, measure in _recipes(base, job, arguments, on_gpu):
            if arguments.only and arguments.only not in name:
                continue
            try:
                print(measure(name).line(each, peak), flush=True)
            except (RuntimeError, ImportError, ValueError) as error:
                print(f"{name:<44}failed: {str(error).splitlines()[0]}", flush=True)


def _recipes(base: Path, job: list, arguments: argparse.Namespace, on_gpu: bool) -> list[Recipe]:
    many = arguments.documents
    plain = "bf16" if on_gpu else "fp32"
    tokens = sum(len(document.input_ids) for document in job)
    # A long job compiles its layers: as many steps as show its speed.
    long = [*job, *job][: many * arguments.steps]

    def trl(precision: str, steps: int, **changes: object) -> Callable[[str], Measured]:
        def measure(name: str) -> Measured:
            from bench.trl_trainer import trl_trainer

            return trl_trainer(name, base, job, precision, steps, **changes)

        return measure

    def ours(
        precision: str, per_step: int, rows: list, compiled: bool | None = None
    ) -> Callable[[str], Measured]:
        return lambda name: this_trainer(name, base, rows, tokens, precision, per_step, compiled)

    tutorial = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    recipes: list[Recipe] = [
        (
            "tutorial: trl, one row, accumulation 2",
            trl("nf4" if on_gpu else plain, 16, max_length=512, **tutorial),
        ),
        (
            "trl packing, 4 x 1024",
            trl(plain, 14, max_length=1024, packing=True, per_device_train_batch_size=4),
        ),
        (f"this, {plain}, 2 documents a step", ours(plain, 2, job)),
        (f"this, {plain}, {many} documents a step", ours(plain, many, job)),
    ]
    if on_gpu:
        recipes += [
            ("this, nf4, 2 documents a step", ours("nf4", 2, job[:600])),
            (f"this, bf16, {many}, compiled", ours("bf16", many, long, True)),
            (f"this, fp8, {many}, compiled", ours("fp8", many, long, True)),
            (f"this, nf4, {many}, compiled", ours("nf4", many, long, True)),
        ]
    return recipes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--documents", type=int, default=64, help="of a large optimizer step")
    parser.add_argument("--job", type=int, default=5000, help="documents of a job")
    parser.add_argument("--steps", type=int, default=50, help="of a compiled measurement")
    parser.add_argument("--memory-gb", type=float, default=22, help="of the GPU, as on an L4")
    parser.add_argument("--only", default="", help="recipes whose name has this")
    return parser.parse_args()


if __name__ == "__main__":
    main()
