"""
`python -m finetune`: from the environment to a published version.

Whatever can end the run without a GPU comes first and imports no torch, which takes half a minute:
settings, a version that is published already, a verdict that binds, a version that an earlier
attempt finished but did not publish.
"""

import os
import signal
import sys
from types import FrameType

from finetune.data.source import Unreachable
from finetune.publishing.version_directory import (
    BrokenVersion,
    is_published,
    publish,
    staged_manifest,
)
from finetune.settings import Settings, SettingsError, read_settings
from finetune.storage.location import storage_at
from finetune.storage.storage import AlreadyThere
from finetune.verdict import (
    BAD_INPUT,
    PUBLISHED,
    VERDICT,
    BadInput,
    BelowBar,
    Interrupted,
    binding_verdict,
    record_bad_settings,
    record_verdict,
    require_bar,
)


def main() -> int:
    """
    Runs once and returns the exit code: 0 published, 2 bad input, 3 below the bar, 1 what a later
    try may mend.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        settings = read_settings()
    except SettingsError as error:
        try:
            record_bad_settings(error, os.environ)
        except Exception as unwritten:  # whatever storage says, the settings' own error is the news
            _failed(f"no verdict could be left: {unwritten}", BAD_INPUT)
        return _failed(f"these environment variables have to change:\n{error}", BAD_INPUT)
    try:
        return _run(settings)
    except (Unreachable, AlreadyThere, BrokenVersion) as error:
        return _failed(str(error), 1)
    except OSError as error:
        return _failed(f"{type(error).__name__}: {error}", 1)


def _run(settings: Settings) -> int:
    output = storage_at(settings.output_uri, settings.project_id)
    if is_published(output):
        _say(f"{settings.output_uri} is published already: nothing to do")
        return PUBLISHED
    checkpoint = storage_at(settings.checkpoint_uri, settings.project_id)
    if verdict := binding_verdict(checkpoint, settings):
        return _failed(
            f"an earlier attempt decided: {verdict['reason']}. Change the settings, or delete "
            f"{settings.checkpoint_uri}/{VERDICT} to try again with the same",
            verdict["exit_code"],
        )
    try:
        manifest = staged_manifest(checkpoint, settings)
        if manifest is None:
            from finetune.run import run

            run(settings, checkpoint)
            manifest = staged_manifest(checkpoint, settings)
            if manifest is None:
                raise BrokenVersion(
                    f"{settings.checkpoint_uri}/staging does not hold what was just written to it"
                )
        else:
            _say("an earlier attempt finished this version: publishing it without training")
            require_bar(manifest["metrics"], settings)
        publish(checkpoint, output, manifest)
    except (BadInput, BelowBar) as fault:
        record_verdict(checkpoint, settings, fault)
        return _failed(str(fault), fault.exit_code)
    _say(f"published {settings.output_uri}")
    return PUBLISHED


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    # Cloud Run sends SIGTERM and kills ten seconds later
    # (https://cloud.google.com/run/docs/container-contract).
    _say("SIGTERM: stopping; nothing was published, another attempt may start again")
    raise Interrupted


def _say(line: str) -> None:
    print(line, flush=True)


def _failed(reason: str, code: int) -> int:
    print(f"error: {reason}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
