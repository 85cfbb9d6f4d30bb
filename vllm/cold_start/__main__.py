"""Measures what a cold start does on this machine: `python -m cold_start --help`, in vllm/.

Nothing of it needs a cloud or a GPU. The bucket is a server on loopback; with --gcsfuse PROGRAM it
is also mounted, which needs /dev/fuse and the right to mount.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cold_start import reading, verification
from cold_start.bucket_server import BucketServer
from cold_start.made_up_version import random_llama, random_shards
from cold_start.mounted_bucket import mounted
from cold_start.start_phases import start

RUN = "0123456789ab"
ARGUMENTS = ["--max-model-len=256", "--max-num-seqs=4", "--enforce-eager"]


def main() -> None:
    options = parse()
    with scratch() as folder:
        for part in options.parts:
            print(f"\n{part}")
            {"verify": verify, "read": read, "start": starts}[part](options, folder / part)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cold_start", description=__doc__)
    parts = ["verify", "read", "start"]
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=parts)
    parser.add_argument("--gigabytes", type=float, default=5, help="of the version to verify")
    parser.add_argument("--layers", type=int, default=16, help="of the model to start, 33 MB each")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds, of the bucket")
    parser.add_argument(
        "--connection-megabytes", type=float, default=20, help="a second, of one connection"
    )
    parser.add_argument(
        "--weights", nargs="+", choices=["disk", "bucket", "mount"], default=["disk", "bucket"]
    )
    parser.add_argument("--gcsfuse", type=Path, help="program that mounts the bucket")
    options = parser.parse_args()
    if "mount" in options.weights and not options.gcsfuse:
        parser.error("--weights mount needs --gcsfuse")
    options.connection_bytes = options.connection_megabytes * 1e6
    return options


@contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cold-start-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def verify(options: argparse.Namespace, folder: Path) -> None:
    """Sizes, and every crc32c: of files, of a mounted bucket, by the storage's own metadata."""
    random_shards(folder / "m" / RUN, int(options.gigabytes * 1e9))
    verification.of_directory(folder / "m" / RUN, "files on a disk, in the page cache")
    with BucketServer(folder, latency=options.latency) as server:
        verification.of_bucket(server, f"m/{RUN}")
        if options.gcsfuse:
            with mounted(server, options.gcsfuse, folder.with_name("mount")) as mount:
                verification.of_directory(mount / "m" / RUN, "mounted by gcsfuse")


def read(options: argparse.Namespace, folder: Path) -> None:
    """The weights through one reader and through eight, over connections of a limited speed."""
    if not options.gcsfuse:
        return print("  needs --gcsfuse")
    random_shards(folder / "m" / RUN, 300_000_000)
    with BucketServer(
        folder, latency=options.latency, connection_bytes=options.connection_bytes
    ) as server:
        for readers in (1, 8):
            with mounted(server, options.gcsfuse, folder.with_name("mount")) as mount:
                reading.of_mount(server, mount / "m" / RUN, readers)
    return None


def starts(options: argparse.Namespace, folder: Path) -> None:
    """From the process to /health and the first answer, by where the weights come from."""
    version = folder / "m" / RUN
    random_llama(version, options.layers)
    if "disk" in options.weights:
        report("files on a disk", str(version), ["--load-format=mount"], {})
    with BucketServer(
        folder, latency=options.latency, connection_bytes=options.connection_bytes
    ) as server:
        if "bucket" in options.weights:
            bucket = f"gs://models/m/{RUN}"
            report("streamed", bucket, ["--load-format=stream"], server.environment)
        if "mount" in options.weights:
            with mounted(server, options.gcsfuse, folder.with_name("mount")) as mount:
                report("mounted", str(mount / "m" / RUN), ["--load-format=mount"], {})


def report(what: str, model: str, arguments: list[str], environment: dict[str, str]) -> None:
    try:
        started = start(model, [*ARGUMENTS, *arguments], environment)
    except RuntimeError as error:
        return print(f"  {what}: {error}")
    print(f"  {what}; passed, and worked of a processor")
    ends = {**started.phases, "healthy": started.healthy, "first answer": started.first_answer}
    for phase, moment in ends.items():
        print(f"    {moment.passed:6.1f} s {moment.worked:6.1f} s  {phase}")
    print(f"    {started.loading}", flush=True)
    return None


if __name__ == "__main__":
    main()
