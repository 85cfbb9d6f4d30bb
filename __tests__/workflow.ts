import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse } from "yaml";

export const GITHUB = path.join(__dirname, "../.github");

/** One step of a job, as far as these tests read it. */
export interface WorkflowStep {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly if?: string;
}

export interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly if?: string;
  readonly needs?: string;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly WorkflowStep[];
}

export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency: {
    readonly group: string;
    readonly "cancel-in-progress": boolean;
  };
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** A file below .github, parsed. */
export function readWorkflow(name: string): Workflow {
  return parse(
    readFileSync(path.join(GITHUB, "workflows", name), "utf8"),
  ) as Workflow;
}

/** What a step of a runner left behind. */
export interface Ran {
  readonly code: number;
  readonly output: string;

  /** What it wrote for later steps and jobs. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/**
 * Runs a step's script as a runner does: in a file, with `bash -e`.
 *
 * @param expressions - values of the `${{ }}` in the step's environment
 */
export function runStep(
  step: WorkflowStep,
  cwd: string,
  env: NodeJS.ProcessEnv,
  expressions: Readonly<Record<string, string>> = {},
): Ran {
  const folder = mkdtempSync(path.join(tmpdir(), "tuneserve-step-"));
  const file = (name: string) => path.join(folder, name);
  try {
    for (const name of ["output", "summary"]) writeFileSync(file(name), "");
    writeFileSync(file("script"), step.run ?? "exit 99");
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["-e", file("script")],
      {
        cwd,
        encoding: "utf8",
        env: {
          ...env,
          ...evaluated(step.env ?? {}, expressions),
          GITHUB_OUTPUT: file("output"),
          GITHUB_STEP_SUMMARY: file("summary"),
        },
      },
    );
    return {
      code: status ?? -1,
      output: stdout + stderr,
      outputs: Object.fromEntries(
        readFileSync(file("output"), "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => line.split(/=(.*)/s).slice(0, 2)),
      ),
      summary: readFileSync(file("summary"), "utf8"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function evaluated(
  env: Readonly<Record<string, string>>,
  expressions: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      value.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
        const known = expressions[expression];
        if (known === undefined) throw new Error(`no value for ${expression}`);
        return known;
      }),
    ]),
  );
}

/** The step of a job with a name. */
export function stepOf({ steps }: Job, name: string): WorkflowStep {
  const found = steps.find((step) => step.name === name);
  if (found === undefined) throw new Error(`no step is called '${name}'`);
  return found;
}
