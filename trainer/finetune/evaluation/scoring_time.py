"""What scoring will take, estimated before anything is loaded."""

# Memory bandwidth in bytes a second that a decoding step reaches, and seconds that a step costs
# whatever is in it, a layer: transformers launches each layer's kernels from Python.
BANDWIDTH = {"h100": 2.0e12, "h200": 3.0e12, "a100": 1.2e12, "l4": 2.4e11, "rtx pro 6000": 1.2e12}
ANY_GPU, CPU = 2.4e11, 1.2e10
LAYER_SECONDS = {"cuda": 1.0e-3, "cpu": 2.0e-4}
# Arithmetic that a step reaches in bfloat16 or float32, FLOP a second.
ARITHMETIC = {"cuda": 3.0e13, "cpu": 5.0e10}
# The untrained base is measured for comparison only, and on no more rows than that takes.
BASE_ROWS = 100
# Of EVALUATION_SECONDS, what the base's answers may take, for each of its two ways of asking.
BASE_SHARE = 0.2
# One row's execution match and other comparisons, on a CPU.
ROW_SECONDS = 0.04


def scoring_seconds(
    rows: int,
    answer_tokens: int,
    prompt_tokens: int,
    parameters: int,
    layers: int,
    device: str = "cpu",
    batch_size: int = 64,
) -> float:
    """
    Seconds to answer and score `rows` rows once; within a factor of two or three.

    Args:
        answer_tokens: of the longest answer: a batch goes on until its last row has ended.
        prompt_tokens: of an average prompt.
        parameters: of the model, which holds two bytes for each on a GPU and four on a CPU.
        device: "cpu", or a GPU's name as CUDA gives it.
    """
    kind = "cpu" if device == "cpu" else "cuda"
    bandwidth = (
        CPU
        if kind == "cpu"
        else next((b for name, b in BANDWIDTH.items() if name in device.lower()), ANY_GPU)
    )
    batch = min(batch_size, 8) if kind == "cpu" else batch_size
    batches = -(-rows // batch)
    step = max(
        parameters * (4 if kind == "cpu" else 2) / bandwidth,
        layers * LAYER_SECONDS[kind],
        2 * parameters * batch / ARITHMETIC[kind],
    )
    reading = 2 * parameters * prompt_tokens * rows / ARITHMETIC[kind]
    return batches * answer_tokens * step + reading + rows * ROW_SECONDS
