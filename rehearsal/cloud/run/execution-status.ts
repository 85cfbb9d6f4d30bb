import { timestamp } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";

/** Brings an execution's counts up to what its tasks are. @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions */
export function countTasks(execution: Json, tasks: readonly Json[]): void {
  const count = (holds: (task: Json) => unknown) => tasks.filter(holds).length;
  Object.assign(execution, {
    updateTime: timestamp(),
    runningCount: count((task) => task["startTime"] && !task["completionTime"]),
    succeededCount: count((task) => stateOf(task) === "CONDITION_SUCCEEDED"),
    failedCount: count((task) => hasFailed(task) && !wasCancelled(task)),
    cancelledCount: count(wasCancelled),
    retriedCount: count(({ retried = 0 }) => retried > 0),
  });
}

/** What an execution that has ended says: as its first task that failed, or that all succeeded. */
export function complete(execution: Json, tasks: readonly Json[]): void {
  const now = timestamp();
  const failed = tasks.filter(hasFailed);
  const first = failed.find((task) => !wasCancelled(task)) ?? failed[0];
  const { message, reason, executionReason } = first?.["conditions"][0] ?? {};
  const seconds = (Date.parse(now) - Date.parse(execution["startTime"])) / 1000;
  Object.assign(execution, {
    completionTime: now,
    updateTime: now,
    reconciling: false,
    conditions: [
      first
        ? condition("Completed", "FAILED", { message, reason, executionReason })
        : condition("Completed", "SUCCEEDED", {
            message: `Execution completed successfully in ${seconds.toFixed(2)}s.`,
          }),
      condition("Started", "SUCCEEDED"),
    ],
  });
}

function hasFailed(task: Json): boolean {
  return stateOf(task) === "CONDITION_FAILED";
}

function wasCancelled(task: Json): boolean {
  return task["conditions"][0].executionReason === "CANCELLED";
}

function stateOf(task: Json): string {
  return task["conditions"][0].state;
}
