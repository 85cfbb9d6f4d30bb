import { shortName } from "../identifiers";
import type { CloudState, Json } from "../state";
import { clockTime, type PageRow } from "./page-row";

const MOODS: Readonly<Record<string, "bad" | "busy">> = {
  running: "busy",
  failed: "bad",
  WORKING: "busy",
  QUEUED: "busy",
  FAILURE: "bad",
  TIMEOUT: "bad",
};

/** What runs or ran, newest first: executions of jobs, and builds. */
export function executionRows(state: CloudState): PageRow[] {
  const rows = [
    ...Object.values(state.executions).map((each) => ({
      kind: "execution",
      name: shortName(each["name"]),
      from: each["createTime"],
      to: each["completionTime"],
      state: outcome(each),
      detail: each["conditions"]?.[0]?.message ?? progress(state, each),
    })),
    ...Object.values(state.builds).map((each) => ({
      kind: "build",
      name: each["id"],
      from: each["createTime"],
      to: each["finishTime"],
      state: each["status"],
      detail: (each["images"] ?? []).join(" "),
    })),
  ];
  return rows
    .sort((one, other) => Date.parse(other.from) - Date.parse(one.from))
    .map(({ from, to, ...row }) => ({
      ...row,
      began: clockTime(Date.parse(from)),
      seconds: to ? seconds(from, to) : "",
      ...(MOODS[row.state] ? { mood: MOODS[row.state]! } : {}),
    }));
}

function outcome(execution: Json): string {
  if (execution["completionTime"] === undefined) return "running";
  const { state } = execution["conditions"][0];
  if (state === "CONDITION_SUCCEEDED") return "succeeded";
  return execution["cancelledCount"] ? "cancelled" : "failed";
}

/** How many of several tasks are done, and the highest attempt. */
function progress({ tasks }: CloudState, execution: Json): string {
  const { name, taskCount, succeededCount = 0 } = execution;
  const retried = Object.values(tasks)
    .filter((task) => task["name"].startsWith(`${name}/`))
    .map((task) => task["retried"] ?? 0);
  const attempt = Math.max(0, ...retried) + 1;
  return [
    ...(taskCount > 1 ? [`${succeededCount} of ${taskCount} tasks`] : []),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ].join(", ");
}

function seconds(from: string, to: string): string {
  return ((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1);
}
