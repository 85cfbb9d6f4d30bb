"""
`python -m finetune`: from the environment to a published version. Here are its ends: what each
means for whoever reads the log, and the exit code that tells the platform whether to try again.
"""

import errno
import os
import sys
import time
import traceback

from finetune.command_line import command
from finetune.crew import Crew
from finetune.data.source import Unreachable
from finetune.phases.attempts import EVALUATION, NEXT, TRAINING, Attempt, NoProgress
from finetune.phases.task import Task, say
from finetune.publishing.version_directory import BrokenVersion
from finetune.run import run
from finetune.settings import Settings, SettingsError, read_settings
from finetune.storage.location import storage_at
from finetune.storage.storage import AlreadyThere, StorageFailure
from finetune.training.deadline import Deadline
from finetune.verdict import (
    BAD_INPUT,
    FAILED,
    INTERRUPTED,
    PUBLISHED,
    AlreadyDecided,
    BadInput,
    BelowBar,
    Interrupted,
    record_bad_input,
    record_bad_settings,
)

REMEDIES = {
    TRAINING: "set BASE_PRECISION=nf4 or a smaller MAX_SEQ_LENGTH (either makes a new run), or "
    "give the job a GPU with more memory",
    EVALUATION: "set a smaller EVAL_BATCH_SIZE, or give the job a GPU with more memory",
}


def main() -> int:
    """
    Runs once and returns the exit code: 0 published, 1 what a later try may mend, 2 bad input,
    3 below the bar, 75 interrupted, to be gone on with.
    """
    started = time.monotonic()
    try:
        settings = read_settings()
    except SettingsError as error:
        try:
            record_bad_settings(error, os.environ)
        except Exception as unwritten:  # whatever storage says, the settings' own error is the news
            _failed(f"no verdict could be left: {unwritten}", BAD_INPUT)
        return _failed(f"these environment variables have to change:\n{error}", BAD_INPUT)
    crew = Crew()
    deadline = Deadline(settings.task_timeout_seconds, started)
    deadline.watch()
    if not crew.leads:
        from finetune.phases.training import follow

        return follow(settings, crew, deadline)
    code = _lead(settings, crew, deadline)
    crew.dismiss(code)
    return code


def _lead(settings: Settings, crew: Crew, deadline: Deadline) -> int:
    try:
        area = storage_at(settings.checkpoint_uri, settings.project_id)
    except OSError as error:
        return _failed(str(error), FAILED)
    attempt = Attempt(area)
    try:
        run(Task(settings, area, deadline, attempt, crew))
        return PUBLISHED
    except BadInput as fault:
        try:
            record_bad_input(area, settings, fault)
        except OSError as unwritten:
            _failed(f"no verdict could be left: {unwritten}", BAD_INPUT)
        return _failed(str(fault), BAD_INPUT)
    except (BelowBar, AlreadyDecided) as end:
        return _failed(str(end), end.exit_code)
    except Interrupted:
        return _interrupted(deadline, attempt)
    except (Unreachable, AlreadyThere, BrokenVersion, NoProgress) as error:
        return _failed(str(error), FAILED)
    except Exception as error:
        reason = _in_a_line(error, attempt.phase)
        if reason is None:
            traceback.print_exc()
            reason = f"unexpected {type(error).__name__} in the {attempt.phase} (see above)"
        return _failed(f"{reason}. The next attempt {NEXT[attempt.phase]}", FAILED)


def _interrupted(deadline: Deadline, attempt: Attempt) -> int:
    say(
        f"interrupted in the {attempt.phase} by {deadline.reason()}: the next attempt "
        f"{NEXT[attempt.phase]}"
    )
    if deadline.told_to_stop():
        attempt.told_to_stop()
    return INTERRUPTED


def _in_a_line(error: Exception, phase: str) -> str | None:
    """Of errors that say by themselves what happened: the line to print, with what to do."""
    # By name: torch's class for it is only there once torch is imported.
    if type(error).__name__ == "OutOfMemoryError":
        remedy = REMEDIES.get(phase, "give the job a GPU with more memory")
        return f"the GPU's memory was not enough in the {phase}: {remedy} ({_first_line(error)})"
    if isinstance(error, MemoryError):
        return f"the container's memory was not enough in the {phase}: give the job more"
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOSPC:
        return (
            f"no space is left in the {phase}: {error.strerror}"
            f"{f' ({error.filename})' if error.filename else ''}. On Cloud Run files are in the "
            "task's memory: give it more"
        )
    return str(error) if isinstance(error, StorageFailure) else f"{type(error).__name__}: {error}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")


def _failed(reason: str, code: int) -> int:
    print(f"error: {reason}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:], main))
