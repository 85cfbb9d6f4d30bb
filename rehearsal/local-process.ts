import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../commands/command-line";
import { readable } from "./log-line";

const running = new Set<LocalProcess>();

/** Whether this process was asked to end, and is ending all others. */
let ending = false;

/** What a `LocalProcess` starts. */
export interface LocalProcessProps {
  /** Who it is, in messages. */
  readonly name: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;

  /** File that takes everything it prints. */
  readonly log: string;
}

/** A process with a group of its own, so that ending it ends whatever it has started as well. */
export class LocalProcess {
  /**
   * Exit code, or 128 plus the signal that ended it. Nobody hears of it once this process was asked
   * to end: what then ends has not failed.
   */
  public readonly ended: Promise<number>;
  private readonly exited: Promise<void>;
  private readonly child: ChildProcess;

  public constructor(private readonly props: LocalProcessProps) {
    const [program = "", ...args] = props.command;
    const log = openSync(props.log, "w");
    this.child = spawn(program, args, {
      cwd: props.folder,
      env: props.environment,
      stdio: ["ignore", log, log],
      detached: true,
    });
    running.add(this);
    this.exited = new Promise((resolve) => {
      this.child.on("error", () => resolve());
      this.child.on("exit", () => resolve());
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("exit", (code, signal) => {
        // The rest of its group, should it have left anything.
        this.signal("SIGKILL");
        running.delete(this);
        if (!ending) {
          resolve(code ?? 128 + constants.signals[signal!]);
        }
      });
    });
    // Whoever waits is told; that nobody waits yet is no reason to end everything.
    this.ended.catch(() => running.delete(this));
  }

  public get pid(): number | undefined {
    return this.child.pid;
  }

  /** Everything it has printed so far. */
  public get output(): string {
    return readFileSync(this.props.log, "utf8");
  }

  /** Asks the whole group to end, and makes it after five seconds. */
  public async stop(): Promise<void> {
    this.signal("SIGTERM");
    await Promise.race([this.exited, sleep(5000, undefined, { ref: false })]);
    this.signal("SIGKILL");
    await this.exited;
  }

  /** Sends a signal to all of the group; no error if it is gone. */
  public signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) {
      return;
    }
    try {
      process.kill(-this.child.pid, signal);
    } catch {
      // ESRCH: it has ended already.
    }
  }

  /** The failure with the last lines of its log. */
  public failure(code: number): CommandError {
    const lines = this.output.trimEnd().split("\n").slice(-20);
    return new CommandError(
      [
        `The ${this.props.name} ended with exit code ${code}. Its last lines (all of them: ${this.props.log}):`,
        ...lines.map((line) => `  ${readable(line)}`),
      ].join("\n"),
    );
  }
}

/** Ends every process that is still running when this one is asked to end, or ends by itself. */
export function endProcessesWithThisOne(): void {
  const end = (signal: NodeJS.Signals) => {
    if (ending) {
      return;
    }
    ending = true;
    console.error(`\n${signal}: stopping what was started ...`);
    void Promise.all([...running].map((one) => one.stop())).finally(() =>
      process.exit(128 + constants.signals[signal]),
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, end);
  }
  process.on("exit", () => {
    for (const one of running) {
      one.signal("SIGKILL");
    }
  });
  // A signal sent to npm itself ends its shell and goes no further: notice that the shell is gone.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => {
      if (process.ppid !== parent) {
        end("SIGTERM");
      }
    }, 500).unref();
  }
}
