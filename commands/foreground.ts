import { spawn } from "node:child_process";
import { constants } from "node:os";
import { terraformBinary } from "./terraform";

export interface Ended {
  /** Exit code; 128 + N when signal N ended the process, as a shell has it. */
  readonly code: number;
  /** Whether this process was asked to stop meanwhile. */
  readonly interrupted: boolean;
}

/**
 * Runs Terraform with the terminal passed through and outlives Ctrl-C until
 * Terraform has ended by itself.
 *
 * One SIGINT lets Terraform finish what it is doing and save the state; a
 * second one makes it drop both
 * (https://developer.hashicorp.com/terraform/cli/commands/apply). So it must
 * get exactly one. On a terminal Ctrl-C reaches the whole process group and
 * thus Terraform as well: nothing is forwarded. Without a terminal nobody knows
 * whether a signal went to this process or to its group: Terraform then runs in
 * a group of its own and is sent the one signal from here.
 */
export function terraformInForeground(
  directory: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onTerminal = process.stdin.isTTY === true,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      terraformBinary(env),
      [`-chdir=${directory}`, ...args],
      {
        stdio: "inherit",
        env,
        detached: !onTerminal,
      },
    );
    let interrupted = false;
    const stop = (reached: boolean) => {
      if (!interrupted && !reached) {
        child.kill("SIGINT");
      }
      if (!interrupted) {
        console.error(
          "Waiting for Terraform to finish what it is doing and to save the state.",
        );
      }
      interrupted = true;
    };
    const onInterrupt = () => stop(onTerminal);
    const onTerminate = () => stop(false);
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onTerminate);
    const done = () => {
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onTerminate);
    };
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("close", (code, signal) => {
      done();
      resolve({
        code: code ?? 128 + (signal ? constants.signals[signal] : 0),
        interrupted,
      });
    });
  });
}

/** Colours are for terminals; https://no-color.org is honoured as well. */
export function colourFlags(
  noColour: boolean | undefined,
  env: NodeJS.ProcessEnv,
): string[] {
  return noColour || env["NO_COLOR"] || process.stdout.isTTY !== true
    ? ["-no-color"]
    : [];
}
