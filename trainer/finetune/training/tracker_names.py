"""Which experiment trackers REPORT_TO may name. Known without torch, and to the settings."""

from importlib.util import find_spec

# The trackers of accelerate.tracking and the modules of which one must be there. Written out, for
# accelerate would import torch, and a wrong name shall be told without.
MODULES = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "comet_ml": ("comet_ml",),
    "aim": ("aim",),
    "clearml": ("clearml",),
    "dvclive": ("dvclive",),
    "swanlab": ("swanlab",),
    "trackio": ("trackio",),
}


def tracker_names(report_to: str) -> list[str]:
    """
    The trackers of REPORT_TO, none for "none".

    Raises:
        ValueError: a name is unknown, or its package is not installed; says what is.
    """
    names = list(dict.fromkeys(name.strip().lower() for name in report_to.split(",")))
    names = [name for name in names if name not in ("", "none")]
    installed = [name for name, modules in MODULES.items() if any(map(find_spec, modules))]
    for name in names:
        if name not in installed:
            kind = "is not installed here" if name in MODULES else "is unknown"
            raise ValueError(f"{name} {kind}; installed: {', '.join(installed) or 'none'}")
    return names
