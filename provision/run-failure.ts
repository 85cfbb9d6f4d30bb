import type { run_v2 } from "@googleapis/run";
import { type Failure } from "./build-failure";
import { exitCodeMeaning } from "./exit-code";
import { type JobPlace, startFailure } from "./start-failure";

/** What is known about an execution that failed, or was not allowed to start. */
export interface RunEnd extends JobPlace {
  /** Of the task's last attempt; undefined if no attempt was made. */
  readonly attempt?:
    | run_v2.Schema$GoogleCloudRunV2TaskAttemptResult
    | undefined;

  /** Of task and execution, the task's first. */
  readonly conditions: readonly run_v2.Schema$GoogleCloudRunV2Condition[];

  /** The latest lines of the log. */
  readonly log: readonly string[];
  readonly timeoutSeconds: number;
}

/**
 * Classifies a failed training run. What the last attempt reports counts more
 * than conditions, and those more than the words of the log.
 *
 * @see https://cloud.google.com/run/docs/troubleshooting
 */
export function runFailure(end: RunEnd): Failure {
  const { attempt, log } = end;
  const said = sayings(end);
  const reasons = reasonsOf(end);
  const exitCode = attempt?.exitCode ?? 0;
  const ownExit = exitCode === 137 ? 0 : exitCode;
  return (
    ended(reasons) ??
    // First: a trainer that is told to stop at a limit exits with 75.
    limit(attempt?.status?.message ?? "", end.timeoutSeconds) ??
    exitCodeMeaning(ownExit, log) ??
    limit(said, end.timeoutSeconds) ??
    killed(end) ??
    startFailure(end, reasons, said) ??
    exitCodeMeaning(exitCodeIn(said), log) ?? {
      what: said.split("\n")[0] || "Cloud Run gave no reason",
      remedy: "the lines above may say more; deploy again",
    }
  );
}

/**
 * Whether the last attempt was stopped in the middle of its work, which another
 * one can go on with from its checkpoints. What a person stopped stays so.
 */
export function wasInterrupted(end: RunEnd): boolean {
  if (ended(reasonsOf(end)) !== undefined) return false;
  const said = sayings(end);
  const exitCode = end.attempt?.exitCode || exitCodeIn(said);
  return exitCode === 75 || TIMED_OUT.test(said);
}

function reasonsOf({ conditions }: RunEnd): unknown[] {
  return conditions.flatMap(({ reason, executionReason }) =>
    [reason, executionReason].filter((each) => each !== undefined),
  );
}

/** What Cloud Run says about an end, in its words. */
function sayings({ attempt, conditions }: RunEnd): string {
  return [attempt?.status?.message, ...conditions.map(({ message }) => message)]
    .filter(Boolean)
    .join("\n");
}

/** Cloud Run's words for a limit that an attempt passed. */
const TIMED_OUT = /configured timeout was reached/i;

function ended(reasons: readonly unknown[]): Failure | undefined {
  if (reasons.includes("CANCELLED") || reasons.includes("CANCELLING")) {
    return {
      what: "somebody cancelled the execution",
      remedy: "deploy again: the trainer goes on from its checkpoints",
    };
  }
  if (reasons.includes("DELETED")) {
    return { what: "somebody deleted the execution", remedy: "deploy again" };
  }
  return undefined;
}

function limit(said: string, timeoutSeconds: number): Failure | undefined {
  if (TIMED_OUT.test(said)) {
    return {
      what: `an attempt passed the time limit of ${timeoutSeconds} s`,
      remedy:
        "train on less (dataset.limit, training.epochs), or raise training.timeoutSeconds (at most 3600 with a GPU) or training.retries",
    };
  }
  return /memory limit/i.test(said) ? outOfMemory("") : undefined;
}

function killed({ attempt, log }: RunEnd): Failure | undefined {
  const signal = attempt?.termSignal ?? 0;
  if (attempt?.exitCode === 137) return outOfMemory(" (exit code 137)");
  if (signal === 9) {
    // The kernel's way to end what needs more memory than there is.
    const sure = /memory limit of .* exceeded/i.test(log.join("\n"));
    return outOfMemory(sure ? " (signal 9)" : ", most likely (signal 9)");
  }
  return signal > 0
    ? {
        what: `the container was ended by signal ${signal}`,
        remedy:
          "deploy again: Cloud Run ends GPU tasks for maintenance, and the trainer goes on from its checkpoints",
      }
    : undefined;
}

function outOfMemory(how: string): Failure {
  return {
    what: `out of memory${how}`,
    remedy:
      "raise training.memory (at most 32Gi on nvidia-l4, with training.cpu 8), or take a smaller base model",
  };
}

/** `Container called exit(1).`, `failed with exit code: 1 and message: ...` */
function exitCodeIn(said: string): number {
  return Number(/exit(?:ed with)?(?: code)?[:( ]+(\d+)/i.exec(said)?.[1] ?? 0);
}
