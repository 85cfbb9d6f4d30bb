"""
What would stop a run later, looked at before torch is imported and gigabytes are fetched.

All of it can be mended without another run id, so that each is an error of this attempt (exit code
1) and no verdict.
"""

import errno
import shutil
from pathlib import Path

from finetune.data.source import Unreachable, is_hub_id
from finetune.publishing.version_directory import SUCCESS
from finetune.settings import Settings
from finetune.storage.location import storage_at
from finetune.storage.storage import Storage
from finetune.training.start_adapter import check_start_adapter

PROBE = "_WRITABLE"
# Beside the base: one shard of the merged model, the adapter and a checkpoint.
WORKING_SPACE = 3 * 2**30
WEIGHTS = ".safetensors"


def check(settings: Settings, area: Storage, scratch: Path) -> None:
    """
    Raises:
        BadInput: START_ADAPTER does not fit the settings.
        Unreachable: START_ADAPTER or PROMOTION_MUST_BEAT is not there.
        OSError: CHECKPOINT_URI cannot be written, or the base does not fit into scratch.
    """
    area.write(PROBE, "")
    area.delete([PROBE])
    check_start_adapter(settings)
    check_incumbent(settings)
    _check_space(settings, scratch)


def check_incumbent(settings: Settings) -> None:
    """
    Raises:
        Unreachable: PROMOTION_MUST_BEAT is not there, or not finished.
    """
    rival = settings.promotion_must_beat
    if rival in (None, "base"):
        return
    if storage_at(rival, settings.project_id).read(SUCCESS) is None:
        raise Unreachable(
            f"PROMOTION_MUST_BEAT={rival} is not published (it has no {SUCCESS}): name the "
            "location of a published version, base, or nothing"
        )


def _check_space(settings: Settings, scratch: Path) -> None:
    size, where = _base(settings, scratch)
    while not where.exists():
        where = where.parent
    free = shutil.disk_usage(where).free
    needed = size + min(size, WORKING_SPACE)
    if size and free < needed:
        raise OSError(
            errno.ENOSPC,
            f"MODEL_NAME={settings.model_name} takes {_gigabytes(size)} and the work on it up to "
            f"{_gigabytes(needed - size)} more, but {where} has {_gigabytes(free)} free. On Cloud "
            "Run that is the task's memory: give it more, or choose a smaller base",
        )


def _base(settings: Settings, scratch: Path) -> tuple[int, Path]:
    """Bytes to fetch, and where to. 0 where nothing is, or where nothing can be learnt yet."""
    name = settings.model_name
    if name.startswith("gs://"):
        files = storage_at(name, settings.project_id).files()
        sizes = [file.size for path, file in files.items() if "/" not in path]
        return sum(sizes), scratch
    if not is_hub_id(name):
        return 0, scratch
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, HTTPError

    cache = Path(constants.HF_HUB_CACHE)
    try:
        info = HfApi().model_info(name, revision=settings.model_revision, files_metadata=True)
    except (HTTPError, HFValidationError, OSError):
        return 0, cache  # whoever fetches it says what is wrong
    wanted = [
        file.size or 0
        for file in info.siblings or []
        if file.rfilename.endswith(WEIGHTS)
        and "/" not in file.rfilename
        and not isinstance(try_to_load_from_cache(name, file.rfilename, revision=info.sha), str)
    ]
    return sum(wanted), cache


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
