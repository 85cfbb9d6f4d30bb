import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { nextNumber, randomHex, shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";
import { complete, countTasks } from "./execution-status";
import { override } from "./overrides";
import { protoJson } from "./proto-json";
import { runTask } from "./run-task";
import { addTasks } from "./tasks";

const TYPE = "type.googleapis.com/google.cloud.run.v2.Execution";

/** Containers of one execution at a time, whatever its job says: they share this machine. */
const MOST_AT_ONCE = 8;

/** Executions that somebody cancelled, by name. */
const cancelled = new Set<string>();

/** Starts an execution and answers at once; the operation is done when the execution is. */
export function execute(cloud: Cloud, job: Json, overrides: Json): Json {
  const id = `${shortName(job["name"])}-${randomHex(5)}`;
  const name = `${job["name"]}/executions/${id}`;
  const template = structuredClone(job["template"]);
  override(template, overrides);
  const taskCount: number = template.taskCount || 1;
  const { project, region } = cloud.settings;
  const execution: Json = {
    name,
    uid: String(nextNumber()),
    creator: cloud.settings.user,
    generation: "1",
    observedGeneration: "1",
    labels: template.labels ?? {},
    annotations: template.annotations ?? {},
    createTime: timestamp(),
    updateTime: timestamp(),
    startTime: timestamp(),
    launchStage: "GA",
    job: shortName(job["name"]),
    // Unset or 0: all at once.
    parallelism: Math.min(template.parallelism || taskCount, taskCount),
    taskCount,
    template: template.template,
    reconciling: true,
    conditions: [condition("Completed", "RECONCILING")],
    logUri: `https://console.cloud.google.com/logs/viewer?project=${project}&advancedFilter=resource.labels.job_name%3D%22${shortName(job["name"])}%22`,
    etag: randomHex(12),
  };
  cloud.state.executions[name] = execution;
  const tasks = addTasks(cloud, execution);
  job["executionCount"] = (job["executionCount"] ?? 0) + 1;
  job["latestCreatedExecution"] = {
    name: id,
    createTime: execution["createTime"],
    completionStatus: "EXECUTION_RUNNING",
  };
  return cloud.operations.start(
    `projects/${project}/locations/${region}`,
    { "@type": TYPE, ...protoJson(execution) },
    async () => {
      await run(cloud, execution, tasks);
      const { message, state } = execution["conditions"][0];
      Object.assign(job["latestCreatedExecution"], {
        completionTime: execution["completionTime"],
        completionStatus:
          state === "CONDITION_SUCCEEDED"
            ? "EXECUTION_SUCCEEDED"
            : "EXECUTION_FAILED",
      });
      if (state !== "CONDITION_SUCCEEDED") {
        throw new ApiError(400, message, { status: "FAILED_PRECONDITION" });
      }
      return { "@type": TYPE, ...protoJson(execution) };
    },
  );
}

/** Ends an execution, if it has not ended. */
export async function cancelExecution(
  cloud: Cloud,
  name: string,
): Promise<void> {
  cancelled.add(name);
  await cloud.containers.stop(name);
}

/** At most as many tasks at a time as the job says; each ends by itself, also when another has failed. */
async function run(
  cloud: Cloud,
  execution: Json,
  tasks: readonly Json[],
): Promise<void> {
  const { name, parallelism } = execution;
  const waiting = [...tasks];
  const isCancelled = () => cancelled.has(name);
  const onChange = () => countTasks(execution, tasks);
  await Promise.all(
    Array.from({ length: Math.min(parallelism, MOST_AT_ONCE) }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        await runTask(cloud, execution, next, isCancelled, onChange);
      }
    }),
  );
  complete(execution, tasks);
}
