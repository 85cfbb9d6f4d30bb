import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { bytecodeFolder, pythonEnvironment } from "./python-environment";

/** Folders with Python code, each with a pyproject.toml of its own. */
const PYTHON_FOLDERS = ["trainer", "vllm", "rehearsal"];

const ROOT = resolve(__dirname, "..");

/** One tool over the repository. */
export interface Step {
  readonly name: string;

  /** Whether it needs the Python environment. */
  readonly python: boolean;

  /** Program and arguments; `python` stands for the environment's. */
  readonly command: readonly string[];

  /** Below the repository's root. */
  readonly folder: string;
}

/** Everything that `npm test` runs, the quickest first. */
export const STEPS: readonly Step[] = [
  node("tsc", "typescript/bin/tsc", "--noEmit"),
  node("prettier", "prettier/bin/prettier.cjs", "--check", "."),
  node("jest", "jest/bin/jest.js"),
  ...["check", "format --check"].map((what) => ({
    name: `ruff ${what}`,
    python: true,
    command: ["python", "-m", "ruff", ...what.split(" "), ...PYTHON_FOLDERS],
    folder: ".",
  })),
  ...PYTHON_FOLDERS.map((folder) => ({
    name: `pytest ${folder}`,
    python: true,
    command: ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
    folder,
  })),
];

function node(name: string, file: string, ...args: string[]): Step {
  const program = join("node_modules", file);
  return {
    name,
    python: false,
    command: [process.execPath, program, ...args],
    folder: ".",
  };
}

const OPTIONS = {
  only: {
    type: "string",
    value: "NAME",
    text: `only steps whose name begins so: ${STEPS.map(({ name }) => name).join(", ")}`,
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "test",
  summary:
    "Checks types and format, and runs all tests. What stands after the options goes to the one step that --only names.",
  options: OPTIONS,
  positionals: "--only jest -- __tests__/settings.test.ts",
};

/**
 * The steps that `--only` names; all of them without it.
 *
 * @throws CommandError when it names none
 */
export function chosenSteps(only: string | undefined): readonly Step[] {
  const chosen = STEPS.filter(
    ({ name }) => only === undefined || `${name} `.startsWith(`${only} `),
  );
  if (chosen.length === 0) {
    throw new CommandError(
      `--only got "${only}"; allowed: ${STEPS.map(({ name }) => name).join(", ")}, or the first word of one.`,
      2,
    );
  }
  return chosen;
}

/** `npm test`: 0 when every step passed, otherwise the exit code of the first that did not. */
async function test(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) {
    return 0;
  }
  const steps = chosenSteps(line.values.only);
  if (line.positionals.length > 0 && steps.length > 1) {
    throw new CommandError(
      `"${line.positionals.join(" ")}" can go to one step only: name it with --only, such as --only jest.`,
      2,
    );
  }
  const began = Date.now();
  for (const step of steps) {
    // After the quick steps: what they find should not wait for a large download.
    const python = step.python ? pythonEnvironment() : undefined;
    console.error(`\n== ${step.name}`);
    const start = Date.now();
    const code = await run(step, python, line.positionals);
    const time = seconds(start);
    if (code !== 0) {
      console.error(
        `\nFAILED: ${step.name} (exit code ${code}, ${time}); its messages stand above. ` +
          `Again: npm test -- --only "${step.name}"`,
      );
      return code;
    }
    console.error(`== ${step.name}: passed in ${time}`);
  }
  console.error(
    `\nPassed: ${steps.map(({ name }) => name).join(", ")} in ${seconds(began)}.`,
  );
  return 0;
}

function run(
  step: Step,
  python: string | undefined,
  more: readonly string[],
): Promise<number> {
  const [program, ...args] = step.command;
  return new Promise((resolve, reject) => {
    // In this process's own group: Ctrl-C reaches it as well.
    const child = spawn(python ?? program!, [...args, ...more], {
      cwd: join(ROOT, step.folder),
      stdio: "inherit",
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: "",
        PYTHONPYCACHEPREFIX: bytecodeFolder(),
      },
    });
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    process.on("SIGTERM", pass);
    process.on("SIGHUP", pass);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGTERM", pass);
      process.off("SIGHUP", pass);
      resolve(code ?? 128 + constants.signals[signal!]);
    });
  });
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

if (require.main === module) {
  void runAsProcess(test);
}
