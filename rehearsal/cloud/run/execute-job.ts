import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { nextNumber, randomHex, shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import type { Ending } from "../containers/workload";
import { attemptOnce } from "./task-attempt";
import { condition } from "./condition";
import { override } from "./overrides";
import { protoJson } from "./proto-json";
import { StartFailure } from "./start-failure";

const TYPE = "type.googleapis.com/google.cloud.run.v2.Execution";

/** Executions that somebody cancelled, by name. */
const cancelled = new Set<string>();

/** Starts an execution and answers at once; the operation is done when the execution is. */
export function execute(cloud: Cloud, job: Json, overrides: Json): Json {
  const id = `${shortName(job["name"])}-${randomHex(5)}`;
  const name = `${job["name"]}/executions/${id}`;
  const template = structuredClone(job["template"]);
  override(template, overrides);
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
    parallelism: template.parallelism ?? 1,
    taskCount: template.taskCount ?? 1,
    template: template.template,
    reconciling: true,
    runningCount: 1,
    conditions: [condition("Completed", "RECONCILING")],
    logUri: `https://console.cloud.google.com/logs/viewer?project=${project}&advancedFilter=resource.labels.job_name%3D%22${shortName(job["name"])}%22`,
    etag: randomHex(12),
  };
  cloud.state.executions[name] = execution;
  cloud.state.tasks[`${name}/tasks/task0`] = {
    name: `${name}/tasks/task0`,
    execution: id,
    job: execution["job"],
    createTime: timestamp(),
    template: template.template,
  };
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
      await run(cloud, execution);
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

/** All attempts of the one task. */
async function run(cloud: Cloud, execution: Json): Promise<void> {
  const { name, template } = execution;
  const task = cloud.state.tasks[`${name}/tasks/task0`]!;
  const attempts = 1 + (template.maxRetries ?? 0);
  let failure = "";
  for (let attempt = 0; attempt < attempts; attempt++) {
    task["retried"] = attempt;
    execution["retriedCount"] = attempt;
    let ending: Ending;
    try {
      ending = await attemptOnce(cloud, execution, attempt);
    } catch (error) {
      const reason =
        error instanceof StartFailure ? error.conditionReason : "INTERNAL";
      return ended(execution, task, "FAILED", {
        message: (error as Error).message,
        reason,
      });
    }
    if (cancelled.has(name)) {
      return ended(execution, task, "FAILED", {
        message: "Execution was cancelled.",
        executionReason: "CANCELLED",
      });
    }
    task["lastAttemptResult"] = result(ending);
    if (ending.exitCode === 0 && ending.cause === undefined) {
      return ended(execution, task, "SUCCEEDED", {});
    }
    failure = task["lastAttemptResult"].status.message;
  }
  ended(execution, task, "FAILED", {
    message: `Task ${shortName(name)}-task0 failed with message: ${failure}`,
    executionReason: "NON_ZERO_EXIT_CODE",
  });
}

/** @see https://cloud.google.com/run/docs/reference/rest/v2/TaskAttemptResult */
function result({ exitCode, signal, cause }: Ending): Json {
  const messages = {
    timeout: "The configured timeout was reached.",
    memory:
      "The container exited with an error. Memory limit was exceeded: consider increasing it.",
  };
  return {
    exitCode,
    ...(signal === undefined ? {} : { termSignal: signal }),
    status:
      exitCode === 0 && cause === undefined
        ? {}
        : {
            code: cause === "timeout" ? 4 : 2,
            message: cause
              ? messages[cause]
              : "The container exited with an error.",
          },
  };
}

function ended(
  execution: Json,
  task: Json,
  state: "SUCCEEDED" | "FAILED",
  why: Parameters<typeof condition>[2],
): void {
  const now = timestamp();
  const conditions = [condition("Completed", state, why)];
  Object.assign(task, { completionTime: now, conditions });
  Object.assign(execution, {
    completionTime: now,
    updateTime: now,
    reconciling: false,
    runningCount: 0,
    succeededCount: state === "SUCCEEDED" ? 1 : 0,
    failedCount:
      state === "FAILED" && why?.executionReason !== "CANCELLED" ? 1 : 0,
    cancelledCount: why?.executionReason === "CANCELLED" ? 1 : 0,
    conditions,
  });
}
