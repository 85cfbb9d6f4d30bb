"""Makes the Python environment of `npm test` and `npm run rehearse`.

    python3 make_environment.py CACHE ENVIRONMENT WATCHED_PID

Standard library only: it runs before anything is installed. commands/python-environment.ts calls
it. One process at a time (a file lock, which the kernel drops with its owner), and ENVIRONMENT
appears in one rename, so that a half-made one is never taken for done.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
UV = HERE / "uv.txt"
REQUIREMENTS = HERE / "requirements.txt"
# In a folder of its own, which a test puts on the path before everything else.
OLDER = HERE / "transformers-4.txt"


# What uv writes for rehearsal/requirements.txt, measured on 2026-11-24: the scale of the progress.
UNPACKED_GB = 5.6


def show(child: subprocess.Popen, started: float, last: float) -> float:
    """One line on how far the installation is; returns when it was last shown."""
    now = time.monotonic()
    terminal = sys.stderr.isatty()
    if now - last < (0.5 if terminal else 15):
        return last
    try:
        counters = Path(f"/proc/{child.pid}/io").read_text(encoding="utf-8")
    except OSError:
        return last
    written = int(counters.split("wchar: ")[1].split()[0]) / 1e9
    share = min(written / UNPACKED_GB, 1)
    line = f"{share:4.0%}  {written:.1f} of about {UNPACKED_GB} GB unpacked, {now - started:.0f} s"
    bar = "\u2588" * round(20 * share) + "\u2591" * round(20 * (1 - share))
    print(
        f"\r  {bar} {line}  " if terminal else f"  {line}",
        end="" if terminal else "\n",
        file=sys.stderr,
        flush=True,
    )
    return now


def run(
    command: list[str], environment: dict[str, str], watched: list[int], progress: bool = False
) -> None:
    """Runs `command`; ends it when one of the `watched` processes has gone.

    A signal to `npm test` ends npm's shell and reaches nobody below it, so this looks for itself.
    """
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    # Only noted: to wait for the child inside a handler would wait for a lock that wait() holds.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: received.append(number))
    started = last = time.monotonic()
    while True:
        try:
            code = child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if progress:
                last = show(child, started, last)
            if not received and all(Path(f"/proc/{pid}").exists() for pid in watched):
                continue
            child.terminate()
            child.wait()
            code = None
        if received or code is None:
            sys.exit(128 + (received or [signal.SIGTERM])[0])
        if progress and sys.stderr.isatty():
            print(file=sys.stderr)
        if code != 0:
            sys.exit(f"tuneserve: {Path(command[0]).name} failed, exit code {code}: see above.")
        return


def installed_uv(cache: Path, environment: dict[str, str], watched: list[int]) -> Path:
    """The folder of a small virtual environment that holds the pinned uv."""
    name = hashlib.sha256(UV.read_bytes()).hexdigest()[:12]
    folder = cache / f"uv-{name}"
    if not (folder / "complete").exists():
        if importlib.util.find_spec("ensurepip") is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            sys.exit(
                f"tuneserve: {sys.executable} has no ensurepip, which a virtual environment needs. "
                f"On Debian and Ubuntu: apt install python{version}-venv. Then run this again."
            )
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)], environment, watched)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        run([*pip, "--require-hashes", "-r", str(UV)], environment, watched)
        (folder / "complete").touch()
    return folder


def index_of_pip(uv: Path, environment: dict[str, str]) -> str:
    """The index that pip is set to, or "": uv does not read pip's configuration."""
    command = [str(uv / "bin" / "python"), "-m", "pip", "config", "get", "global.index-url"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return environment.get("PIP_INDEX_URL", answer.stdout.strip())


def main(cache: Path, target: Path, watched: list[int]) -> None:
    """Makes `target`, or finds it made by another process in the meantime."""
    cache.mkdir(parents=True, exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_"))}
    environment.setdefault("UV_CACHE_DIR", str(cache / "uv"))
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tuneserve: waiting for another process that installs.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        uv = installed_uv(cache, environment, watched)
        index = index_of_pip(uv, environment)
        if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environment.keys():
            environment["UV_DEFAULT_INDEX"] = index
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = [str(uv / "bin" / "uv")]
        # Relocatable: the environment is renamed once it is complete.
        create = ["venv", "--quiet", "--relocatable", "--python", sys.executable, str(partial)]
        run(command + create, environment, watched)
        options = ["--quiet", "--require-hashes", "--no-build", "--python", str(partial)]
        sync = [*command, "pip", "sync", *options, str(REQUIREMENTS)]
        run(sync, environment, watched, progress=True)
        older = ["--no-deps", "--target", str(partial / OLDER.stem), "-r", str(OLDER)]
        run([*command, "pip", "install", *options, *older], environment, watched)
        partial.rename(target)


if __name__ == "__main__":
    # Ctrl-C between two installers ends without a stack trace.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main(Path(sys.argv[1]), Path(sys.argv[2]), [os.getppid(), int(sys.argv[3])])
