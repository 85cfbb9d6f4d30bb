import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Folders with Python code, each with a pyproject.toml of its own. */
const PYTHON_FOLDERS = ["trainer", "vllm", "rehearsal"];

/** One tool over the repository. */
export interface Step {
  readonly name: string;

  /** Whether it needs the Python environment. */
  readonly python: boolean;

  /** Program and arguments; for a Python step the environment's `python` stands before them. */
  readonly command: readonly string[];

  /** Below the repository's root. */
  readonly folder: string;
}

/** One more than there are cores: some files wait for Terraform most of the time. */
const JEST_WORKERS = availableParallelism() + 1;

/**
 * Everything that `npm test` runs, in the order in which steps begin: the quick ones first, and the
 * ones for Python after others that need no large download.
 */
export const STEPS: readonly Step[] = [
  node("tsc", "typescript/bin/tsc", "--noEmit"),
  node("biome format", "@biomejs/biome/bin/biome", "format", "."),
  node("jest", "jest/bin/jest.js", `--maxWorkers=${JEST_WORKERS}`),
  ...["check", "format --check"].map((what) =>
    python(`ruff ${what}`, ".", "ruff", ...what.split(" "), ...PYTHON_FOLDERS),
  ),
  // In halves side by side, or a slow machine waits for them alone. Each leaves out the other's files.
  pytest("trainer", " a-k", "--ignore-glob=tests/test_[l-z]*"),
  pytest("trainer", " l-z", "--ignore-glob=tests/test_[a-k]*"),
  pytest("vllm"),
  pytest("rehearsal"),
];

function node(name: string, file: string, ...args: string[]): Step {
  return {
    name,
    python: false,
    command: [process.execPath, join("node_modules", file), ...args],
    folder: ".",
  };
}

function pytest(folder: string, part = "", ...args: string[]): Step {
  return python(
    `pytest ${folder}${part}`,
    folder,
    ...["pytest", "-q", "-p", "no:cacheprovider", ...args],
  );
}

function python(name: string, folder: string, ...module: string[]): Step {
  return { name, python: true, command: ["-m", ...module], folder };
}
