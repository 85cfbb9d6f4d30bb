import type { Cloud } from "../cloud";
import type { Ending } from "../containers/workload";
import { shortName } from "../identifiers";
import type { LogSource } from "../logs";
import type { Json } from "../state";
import { readSecrets } from "./secrets";
import { checkMounts, pullImage } from "./start-checks";

/**
 * Starts a task's container, and waits for its end.
 *
 * @throws StartFailure when it cannot start
 */
export async function attemptOnce(
  cloud: Cloud,
  { name, job, template, taskCount }: Json,
  { index }: Json,
  attempt: number,
): Promise<Ending> {
  const container = template.containers[0];
  const image = pullImage(cloud, container.image);
  const secrets = readSecrets(cloud, template);
  checkMounts(cloud, template);
  const log: LogSource = {
    type: "cloud_run_job",
    resourceLabels: { job_name: job, location: cloud.settings.region },
    labels: {
      "run.googleapis.com/execution_name": shortName(name),
      "run.googleapis.com/task_index": String(index),
      "run.googleapis.com/task_attempt": String(attempt),
    },
  };
  const workload = await cloud.containers.start({
    name,
    image,
    template,
    secrets,
    log,
    environment: {
      CLOUD_RUN_JOB: job,
      CLOUD_RUN_EXECUTION: shortName(name),
      CLOUD_RUN_TASK_INDEX: String(index),
      CLOUD_RUN_TASK_ATTEMPT: String(attempt),
      CLOUD_RUN_TASK_COUNT: String(taskCount),
    },
    timeoutSeconds: Number.parseFloat(template.timeout ?? "600s"),
  });
  return workload.ended;
}
