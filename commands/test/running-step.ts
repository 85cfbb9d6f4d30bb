import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bytecodeFolder, pythonEnvironment } from "../python-environment";
import type { Step } from "./step";

const ROOT = resolve(__dirname, "../..");

/** How a step is run. */
export interface RunningStepProps {
  readonly step: Step;

  /** More arguments for its program. */
  readonly more: readonly string[];

  /** Whether what it prints waits for its end: that of two at once cannot be read. */
  readonly quiet: boolean;
}

/** A step's process. */
export class RunningStep {
  /** Exit code, or 128 plus the signal that ended it. */
  public readonly ended: Promise<number>;
  private readonly child: ChildProcess;
  private readonly log: string | undefined;

  public constructor(private readonly props: RunningStepProps) {
    const { step, more, quiet } = props;
    const command = step.python
      ? [pythonEnvironment(), ...step.command]
      : step.command;
    // A file and no pipe: a program that prints much never waits for this one.
    this.log = quiet
      ? join(mkdtempSync(join(tmpdir(), "tuneserve-test-")), "output")
      : undefined;
    const output = this.log === undefined ? "inherit" : openSync(this.log, "w");
    // In this process's own group: Ctrl-C reaches it as well.
    this.child = spawn(command[0]!, [...command.slice(1), ...more], {
      cwd: join(ROOT, step.folder),
      stdio: [this.log === undefined ? "inherit" : "ignore", output, output],
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: "",
        PYTHONPYCACHEPREFIX: bytecodeFolder(),
        // Terraform and its provider live for seconds: a fifth of their time was garbage collection.
        GOGC: "400",
        // A thread of PyTorch that waits must not keep a core from other steps.
        OMP_WAIT_POLICY: "PASSIVE",
      },
    });
    if (typeof output === "number") closeSync(output);
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("exit", (code, signal) =>
        resolve(code ?? 128 + constants.signals[signal!]),
      );
    });
  }

  public get name(): string {
    return this.props.step.name;
  }

  public stop(): void {
    // As Ctrl-C does: at SIGTERM pytest would leave its servers behind.
    this.child.kill("SIGINT");
  }

  /** What it has printed, if that waited; once. */
  public takeOutput(): string {
    if (this.log === undefined) {
      return "";
    }
    const output = readFileSync(this.log, "utf8").trimEnd();
    rmSync(resolve(this.log, ".."), { recursive: true, force: true });
    return output;
  }
}
