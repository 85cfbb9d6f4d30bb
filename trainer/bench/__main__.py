"""
python -m bench [--documents 32 64] [--job 5000] [--memory-gb 22] [--only WORD]

Prints one table: tokens a second in training once warm and for a whole job, peak memory and the
share of the card's bf16 peak, for the tutorial's recipe, trl's packing and this trainer. Without a
GPU the shapes are small, and the figures say that it runs.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import torch
import transformers

from bench.documents import documents
from bench.measured import COLUMNS, row
from bench.recipes import alone, recipes
from bench.shape import GEMMA_2B, SMALL, flops, peak_flops, write_base


def main() -> None:
    """Measures recipe by recipe; one that fails says why, and the others go on."""
    arguments = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    shape = GEMMA_2B if on_gpu else SMALL
    card = torch.cuda.get_device_name() if on_gpu else "cpu"
    print(f"{card}, torch {torch.__version__}, transformers {transformers.__version__}", flush=True)
    peak = peak_flops(device)
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
        for name, measure in recipes(base, job, arguments.documents, arguments.steps, on_gpu):
            if arguments.only not in name:
                continue
            # A process for each: none inherits memory, compiled layers or a warmed-up library.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                try:
                    measured = process.submit(alone, measure, name, arguments.memory_gb).result()
                    print(measured.line(each, peak), flush=True)
                except (RuntimeError, ImportError, ValueError, BrokenProcessPool) as error:
                    print(f"{name:<44}failed: {str(error).splitlines()[0]}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--documents", type=int, nargs="+", default=[32, 64], help="of large optimizer steps"
    )
    parser.add_argument("--job", type=int, default=5000, help="documents of a job")
    parser.add_argument("--steps", type=int, default=120, help="of a compiled measurement")
    parser.add_argument("--memory-gb", type=float, default=22, help="of the GPU, as on an L4")
    parser.add_argument("--only", default="", help="recipes whose name has this")
    return parser.parse_args()


if __name__ == "__main__":
    main()
