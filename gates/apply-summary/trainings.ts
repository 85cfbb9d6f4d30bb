import {
  executionSeconds,
  mostExecutions,
} from "../../provision/training-inputs";
import { sum } from "../cost/monthly-cost";
import { type TrainingCost, trainingCost } from "../cost/training-cost";
import { gpuInstance, valuesBefore } from "../cost/gpu-instance";
import { own, text } from "../json";
import type { Plan, Resource } from "../resource";
import { type LastMetrics, lastMetrics } from "./last-metrics";
import {
  type Occasion,
  occasion,
  referredTo,
  type Step,
  steps,
  changedTriggers,
  trigger,
} from "./step";
import {
  type ChangedInput,
  changedInputs,
  jobEnvironment,
  maskedVariables,
} from "./training-inputs";

/** A model whose training step runs. */
export interface Training {
  readonly address: string;
  readonly model: string;
  readonly runId: string | undefined;
  readonly runIdBefore: string | undefined;

  /** Where the result goes, as far as the plan tells. */
  readonly uri: string | undefined;

  /** Whether an earlier version is served as it is: then nothing is trained. */
  readonly pinned: boolean;
  readonly occasion: Occasion;

  /** The step's triggers that change, one sentence each. */
  readonly triggers: readonly string[];

  /** The inputs that changed, old and new. */
  readonly changed: readonly ChangedInput[];
  readonly cost: TrainingCost;

  /** US dollars if all executions that one apply may start are used up. */
  readonly longestBound: number | undefined;

  /** US dollars if it takes as long as the last run; undefined where not known. */
  readonly expected: number | undefined;

  /** The last run's times, where they are known. */
  readonly last: LastMetrics | undefined;
}

const NO_COST: TrainingCost = {
  timeoutSeconds: undefined,
  attempts: undefined,
  tasks: undefined,
  hourly: undefined,
  upperBound: undefined,
};

/**
 * The models whose training step the apply runs. A run that is published in the
 * bucket already is not trained again, which no plan can know.
 *
 * @param metrics - `metrics.json` of each model's last run, by model
 */
export function trainings(
  plan: Plan,
  metrics: Readonly<Record<string, unknown>>,
): Training[] {
  return steps(plan, "provision/run-training.ts").flatMap((step) => {
    const why = occasion(step);
    return why === undefined ? [] : [training(plan, step, why, metrics)];
  });
}

/** US dollars of one execution of each; undefined as soon as one is not known. */
export function trainingBound(all: readonly Training[]): number | undefined {
  return sum(
    all.filter(({ pinned }) => !pinned).map(({ cost }) => cost.upperBound),
  );
}

function training(
  plan: Plan,
  step: Step,
  why: Occasion,
  metrics: Readonly<Record<string, unknown>>,
): Training {
  const { resource, environment } = step;
  const job = referredTo(plan, step, "google_cloud_run_v2_job");
  const was = job && valuesBefore(job);
  const after = job && jobEnvironment(job);
  const run = trigger(resource, "run_id");
  const model =
    text(environment, "MODEL") ?? after?.get("NEW_MODEL") ?? resource.name;
  const pinned = environment.PINNED === "yes";
  const cost = job && !pinned ? trainingCost(job) : NO_COST;
  const last = lastMetrics(own(metrics, model));
  const comparable = job !== undefined && sameGpu(job);
  return {
    address: resource.address,
    model,
    runId: run.after,
    runIdBefore: run.before,
    uri: pinned ? undefined : after?.get("OUTPUT_URI"),
    pinned,
    occasion: why,
    triggers: changedTriggers(resource),
    changed:
      after && was && !pinned
        ? changedInputs(jobEnvironment(was), after, maskedVariables(job))
        : [],
    cost,
    longestBound: longestBound(cost),
    expected:
      last && comparable && cost.hourly !== undefined
        ? (last.seconds / 3600) * cost.hourly
        : undefined,
    last,
  };
}

/** An execution that was interrupted but came further is followed by another. */
function longestBound(cost: TrainingCost): number | undefined {
  const { timeoutSeconds, attempts, upperBound } = cost;
  if (!timeoutSeconds || !attempts || upperBound === undefined)
    return undefined;
  const limits = {
    TASK_TIMEOUT_SECONDS: timeoutSeconds,
    MAX_RETRIES: attempts - 1,
  };
  return executionSeconds(limits) > 0
    ? mostExecutions(limits) * upperBound
    : undefined;
}

/** What the last run took says nothing about another kind of GPU. */
function sameGpu(job: Resource): boolean {
  const before = valuesBefore(job);
  const [was, becomes] = [before, job].map(
    (values) => values && gpuInstance(job.type, values)?.size?.accelerator,
  );
  return was === undefined || was === becomes;
}
