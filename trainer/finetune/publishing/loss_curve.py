"""loss_curve.png: what training and validation loss did, and at what learning rate."""

import io
import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

Points = Sequence[tuple[int, float | None]]

# Readable on a page 800 pixels wide, and sharp where a screen has two dots for each of them.
WIDTH, HEIGHT, DOTS = 8.0, 5.0, 200
# Colours that people with any kind of colour vision tell apart (https://jfly.uni-koeln.de/color/).
RAW, SMOOTH, VALIDATION, RATE = "#b8d4e8", "#0072b2", "#d55e00", "#777777"


def loss_curve(curves: Mapping[str, Points], best_step: int | None = None) -> bytes:
    """
    A PNG of 1600 x 1000 pixels. `curves` maps "train", "validation" and "learning_rate" to pairs of
    step and value (nats per graded token); any may be missing. The best step's validation loss gets
    a ring.
    """
    # Without pyplot, which would look for a display and keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    training, validation = _known(curves.get("train")), _known(curves.get("validation"))
    if training[0]:
        losses.plot(*training, color=RAW, linewidth=0.8, label="training loss")
        smooth = smoothed(training[1])
        losses.plot(training[0], smooth, color=SMOOTH, linewidth=1.8, label="smoothed")
    if validation[0]:
        losses.plot(
            *validation,
            "o-",
            color=VALIDATION,
            linewidth=1.2,
            markersize=4,
            label="validation loss",
        )
        if best_step in validation[0]:
            at = validation[1][validation[0].index(best_step)]
            ring = {"markerfacecolor": "none", "markeredgecolor": VALIDATION}
            losses.plot([best_step], [at], "o", markersize=10, label="kept", **ring)
    losses.set_ylabel("nats per token")
    _scale(losses, [*training[1], *validation[1]])
    if losses.has_data():
        losses.legend(frameon=False, loc="upper right")
    rates.plot(*_known(curves.get("learning_rate")), color=RATE, linewidth=1.2)
    rates.set_ylabel("learning rate")
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rates.set_ylim(bottom=0)
    rates.set_xlabel("step")
    for axes in (losses, rates):
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    written = io.BytesIO()
    # No "Software": equal curves give equal bytes.
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def smoothed(values: Sequence[float]) -> list[float]:
    """
    The mean over about a twentieth of the values around each, over fewer at both ends. A moving
    average of what came before would lag behind a falling loss.
    """
    reach = len(values) // 40
    result = []
    for position in range(len(values)):
        near = min(reach, position, len(values) - 1 - position)
        result.append(fmean(values[position - near : position + near + 1]))
    return result


def _known(points: Points | None) -> tuple[list[int], list[float]]:
    """Steps and values of the points that are numbers."""
    known = [(step, value) for step, value in points or [] if value is not None]
    known = [(step, value) for step, value in known if math.isfinite(value)]
    return [step for step, _ in known], [value for _, value in known]


def _scale(axes: Any, values: list[float]) -> None:
    """
    Logarithmic once the loss has fallen to a fifth: most steps would else lie on the bottom line.
    """
    from matplotlib.ticker import LogLocator

    positive = [value for value in values if value > 0]
    if positive and max(positive) > 5 * min(positive):
        axes.set_yscale("log", subs=())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    elif positive:
        axes.set_ylim(bottom=0)
