import { attribute } from "../attribute";
import type { Resource } from "../resource";
import { inTemplate } from "../workload";
import { hourlyPrice } from "./price-table";
import { gpuInstance, type Values } from "./gpu-instance";

/** Cloud Run's own defaults where a job does not say: the provider has them too. */
const DEFAULTS = { retries: 3, timeoutSeconds: 600 };

/** What one execution of a job can come to. */
export interface TrainingCost {
  /** Limit of an attempt. */
  readonly timeoutSeconds: number | undefined;

  /** Attempts of each task: one, and the retries. */
  readonly attempts: number | undefined;
  readonly tasks: number | undefined;

  /** US dollars an hour of a task; undefined where not known. */
  readonly hourly: number | undefined;

  /** US dollars when every attempt takes all of its time. */
  readonly upperBound: number | undefined;
}

/** Time limit, times attempts, times tasks, times the rate. */
export function trainingCost(job: Resource): TrainingCost {
  const number = (path: string[], fallback: number) =>
    numberAt(job, path, fallback);
  const task = (key: string) => inTemplate(job.type, key);
  const timeoutSeconds = number(task("timeout"), DEFAULTS.timeoutSeconds);
  const retries = number(task("max_retries"), DEFAULTS.retries);
  const tasks = number(["template", "task_count"], 1);
  const instance = gpuInstance(job.type, job);
  const hourly = instance && hourlyPrice(instance);
  const attempts = retries === undefined ? undefined : retries + 1;
  const known =
    timeoutSeconds !== undefined &&
    attempts !== undefined &&
    tasks !== undefined &&
    hourly !== undefined;
  return {
    timeoutSeconds,
    attempts,
    tasks,
    hourly,
    upperBound: known
      ? (timeoutSeconds / 3600) * attempts * tasks * hourly
      : undefined,
  };
}

function numberAt(
  values: Values,
  path: string[],
  fallback: number,
): number | undefined {
  const found = attribute(values, path);
  if (found === undefined) return fallback;
  const number = parseFloat(String(found.value));
  return found.known && Number.isFinite(number) ? number : undefined;
}
