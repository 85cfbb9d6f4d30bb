"""How many positions a micro-batch may have: what the GPU's memory holds. It changes no result."""

import gc

import torch
from transformers import PreTrainedModel

from finetune.training.micro_step import micro_batch_loss
from finetune.training.packing import Batch
from finetune.training.recomputation import recompute_layers

# More are no faster, even on an H100.
MOST = 16384
# A micro-batch below this leaves the GPU waiting for its weights: computing activations twice is
# then the better bargain.
FEWEST = 1024
# Of what looks free: for fragments of the allocator, and shapes that were not tried.
USABLE = 0.9
# Width and rows of the two trials; between them memory grows in a straight line. A width that no
# model has anywhere: layers compiled for any length would take a length of 2048 for the 2048 of
# their weights, and be compiled again for the next one.
WIDTH, TRIALS = 496, (1, 3)


def most_tokens(model: PreTrainedModel, joined: bool = False) -> int:
    """
    Positions (rows times width) of a micro-batch that fits the GPU's memory, 16,384 at most, by
    trying two small ones forwards and backwards. Where not even 1,024 fit, the model is switched to
    gradient checkpointing, which keeps each layer's input only. Gradients end as zeros. `joined` is
    for one row with everything.
    """
    fits = _fitting(model, joined)
    if fits < FEWEST and not model.is_gradient_checkpointing:
        print("GPU memory is scarce: activations are computed twice", flush=True)
        recompute_layers(model)
        fits = _fitting(model, joined)
    return max(WIDTH, min(MOST, fits))


def _fitting(model: PreTrainedModel, joined: bool) -> int:
    """Extrapolated from two trials; 0 where the trials themselves do not fit."""
    device = model.device
    gc.collect()
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated(device)
    try:
        peaks = [_peak(model, rows, joined) for rows in TRIALS]
    except torch.OutOfMemoryError:
        return 0
    finally:
        # In place: graphs that were recorded add to these very tensors.
        for weight in model.parameters():
            if weight.requires_grad:
                weight.grad = (
                    torch.zeros_like(weight) if weight.grad is None else weight.grad.zero_()
                )
        torch.cuda.empty_cache()
    each = (peaks[1] - peaks[0]) / (TRIALS[1] - TRIALS[0]) / WIDTH
    fixed = max(peaks[0] - held - each * TRIALS[0] * WIDTH, 0)
    return int((USABLE * _limit(device) - held - fixed) / each)


def _peak(model: PreTrainedModel, rows: int, joined: bool) -> int:
    """Bytes allocated at most while a micro-batch of `rows` goes forwards and backwards."""
    device = model.device
    tokens = torch.zeros(rows, WIDTH, dtype=torch.int64, device=device)
    # Two documents a row, so that the mask is there; a third of the positions is graded.
    positions = torch.arange(WIDTH, device=device).remainder(WIDTH // 2).expand(rows, WIDTH)
    labels = torch.where(positions % 3 == 1, tokens, -100)
    parts = [tokens, positions.contiguous(), labels]
    if joined:
        parts = [part.view(1, -1) for part in parts]
    graded = int((labels[:, 1:] >= 0).sum())
    batch = Batch(*parts, rows * WIDTH, graded, 3 * rows, WIDTH if joined else 0)
    # Dropout draws numbers: training starts from its own seed at every step.
    model.train()
    # Once before: what is compiled, or set up by libraries, needs memory that does not stay.
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats(device)
        micro_batch_loss(model, batch).backward()
    return torch.cuda.max_memory_allocated(device)


def _limit(device: torch.device) -> float:
    """Bytes this process may have: what it holds and what is free, or the fraction it was given."""
    free, total = torch.cuda.mem_get_info(device)
    allowed = torch.cuda.get_per_process_memory_fraction(device) * total
    return min(free + torch.cuda.memory_reserved(device), allowed)
