"""How many positions a micro-batch may have: what the GPU's memory holds. It changes no result."""

import gc

import torch
from transformers import PreTrainedModel

from finetune.training.loss import completion_loss
from finetune.training.packing import Batch

# More are no faster, even on an H100.
MOST = 16384
# A micro-batch below this leaves the GPU waiting for its weights: computing activations twice is
# then the better bargain.
FEWEST = 1024
# Of what looks free: for fragments of the allocator, and shapes that were not tried.
USABLE = 0.9
# Widths and rows of the two trials; between them memory grows in a straight line.
WIDTH, TRIALS = 512, (1, 3)


def most_tokens(model: PreTrainedModel) -> int:
    """
    Positions (rows times width) of a micro-batch that fits the GPU's memory, 16,384 at most, by
    trying two small ones forwards and backwards. Where not even 1,024 fit, the model is switched to
    gradient checkpointing, which keeps each layer's input only. Gradients end as zeros.
    """
    fits = _fitting(model)
    if fits < FEWEST and not model.is_gradient_checkpointing:
        print("GPU memory is scarce: activations are computed twice", flush=True)
        # Not the reentrant kind, which needs inputs that require gradients.
        model.gradient_checkpointing_enable({"use_reentrant": False})
        fits = _fitting(model)
    return max(WIDTH, min(MOST, fits))


def _fitting(model: PreTrainedModel) -> int:
    """Extrapolated from two trials; 0 where the trials themselves do not fit."""
    device = model.device
    gc.collect()
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated(device)
    try:
        peaks = [_peak(model, rows) for rows in TRIALS]
    except torch.OutOfMemoryError:
        return 0
    finally:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.grad = torch.zeros_like(weight)
        torch.cuda.empty_cache()
    each = (peaks[1] - peaks[0]) / (TRIALS[1] - TRIALS[0]) / WIDTH
    fixed = max(peaks[0] - held - each * TRIALS[0] * WIDTH, 0)
    return int((USABLE * _limit(device) - held - fixed) / each)


def _peak(model: PreTrainedModel, rows: int) -> int:
    """Bytes allocated at most while a micro-batch of `rows` goes forwards and backwards."""
    device = model.device
    torch.cuda.reset_peak_memory_stats(device)
    tokens = torch.zeros(rows, WIDTH, dtype=torch.int64, device=device)
    # Two documents a row, so that the mask is there; a third of the positions is graded.
    positions = torch.arange(WIDTH, device=device).remainder(WIDTH // 2).expand(rows, WIDTH)
    labels = torch.where(positions % 3 == 1, tokens, -100)
    graded = rows * WIDTH // 3
    batch = Batch(tokens, positions.contiguous(), labels, rows * WIDTH, graded, 2 * rows)
    bf16 = model.dtype == torch.bfloat16
    # Dropout draws numbers: training starts from its own seed at every step.
    model.train()
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        loss = completion_loss(model, batch)
    loss.backward()
    return torch.cuda.max_memory_allocated(device)


def _limit(device: torch.device) -> float:
    """Bytes this process may have: what it holds and what is free, or the fraction it was given."""
    free, total = torch.cuda.mem_get_info(device)
    allowed = torch.cuda.get_per_process_memory_fraction(device) * total
    return min(free + torch.cuda.memory_reserved(device), allowed)
