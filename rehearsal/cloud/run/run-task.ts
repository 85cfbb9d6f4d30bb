import type { Cloud } from "../cloud";
import type { Ending } from "../containers/workload";
import { shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";
import { StartFailure } from "./start-failure";
import { attemptOnce } from "./task-attempt";

const CANCELLED = {
  message: "Execution was cancelled.",
  executionReason: "CANCELLED",
};

/**
 * All attempts of a task, until one succeeds, its retries are used up, or it cannot start at all.
 *
 * @param isCancelled - whether somebody cancelled the execution meanwhile
 * @param onChange - called whenever the task has changed
 */
export async function runTask(
  cloud: Cloud,
  execution: Json,
  task: Json,
  isCancelled: () => boolean,
  onChange: () => void,
): Promise<void> {
  const ended = (...how: Parameters<typeof completed>) => {
    Object.assign(task, completed(...how));
    onChange();
  };
  if (isCancelled()) return ended("FAILED", CANCELLED);
  task["startTime"] = timestamp();
  task["conditions"] = [condition("Completed", "RECONCILING")];
  onChange();
  for (let attempt = 0; ; attempt++) {
    task["retried"] = attempt;
    onChange();
    let ending: Ending;
    try {
      ending = await attemptOnce(cloud, execution, task, attempt);
    } catch (error) {
      const reason =
        error instanceof StartFailure ? error.conditionReason : "INTERNAL";
      return ended("FAILED", { message: (error as Error).message, reason });
    }
    if (isCancelled()) return ended("FAILED", CANCELLED);
    const result = resultOf(ending);
    task["lastAttemptResult"] = result;
    const { message } = result["status"];
    if (message === undefined) return ended("SUCCEEDED");
    if (attempt >= (task["maxRetries"] ?? 0)) {
      return ended("FAILED", {
        message: `Task ${shortName(task["name"])} failed with message: ${message}`,
        executionReason: "NON_ZERO_EXIT_CODE",
      });
    }
  }
}

function completed(
  state: "SUCCEEDED" | "FAILED",
  why: Parameters<typeof condition>[2] = {},
): Json {
  const now = timestamp();
  const conditions = [condition("Completed", state, why)];
  return { completionTime: now, updateTime: now, conditions };
}

const CAUSES = {
  timeout: "The configured timeout was reached.",
  memory:
    "The container exited with an error. Memory limit was exceeded: consider increasing it.",
};

/**
 * An exit code or a signal, never both.
 *
 * @see https://cloud.google.com/run/docs/reference/rest/v2/TaskAttemptResult
 */
function resultOf({ exitCode, signal, cause }: Ending): Json {
  const how = signal === undefined ? { exitCode } : { termSignal: signal };
  if (exitCode === 0 && cause === undefined) return { ...how, status: {} };
  const code = cause === "timeout" ? 4 : 2;
  const message = cause ? CAUSES[cause] : "The container exited with an error.";
  return { ...how, status: { code, message } };
}
