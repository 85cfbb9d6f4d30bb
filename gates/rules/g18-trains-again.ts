import { attribute } from "../attribute";
import { objectOf, own, text } from "../json";
import {
  isCreated,
  isDeleted,
  type Plan,
  remains,
  type Resource,
} from "../resource";
import type { Observation, Rule } from "../rule";
import { workloads } from "../workload";

/** Whoever approves the apply knows that it pays for a training, and why. */
export const trainsAgain: Rule = {
  id: "G18",
  title: "a training is named, with its reason",
  why: "Training holds a GPU for up to its time limit, at every attempt.",
  page: "https://cloud.google.com/run/docs/execute/jobs",
  check: (plan) => [
    ...plan.resources.filter(trains).map((resource): Observation => ({
      level: "flag",
      address: resource.address,
      message: `${isDeleted(resource) ? "trains again" : "trains"}: ${reason(resource)}; up to ${hours(resource)} GPU hours`,
      change: "approve it, or set pin to a run that is published",
    })),
    ...workloads(plan)
      .filter(({ kind, resource }) => kind === "job" && remains(resource))
      .flatMap(({ resource }) =>
        TOKENS.filter((key) => changes(resource, key)).map(
          (key): Observation => ({
            level: "flag",
            address: resource.address,
            attribute: key,
            message: `${key} changes, which starts the job`,
            change: "approve the run",
          }),
        ),
      ),
  ],
};

/** Of the provider from 7.42 on. */
const TOKENS = ["start_execution_token", "run_execution_token"];

function changes(resource: Resource, key: string): boolean {
  const after = attribute(resource, [key]);
  return (
    after !== undefined &&
    (!after.known || after.value !== own(resource.before, key))
  );
}

function trains(resource: Resource): boolean {
  return (
    isCreated(resource) &&
    resource.provisioners.some(
      ({ arguments: { command, environment } }) =>
        /(^|\/)run-training\.ts$/.test(String(command?.value)) &&
        text(environment?.value, "PINNED") !== "yes",
    )
  );
}

/**
 * The jobs that this apply starts; undefined stands for one that cannot be told.
 * A published run is found and not trained again, which no plan can know.
 */
export function trainingJobs({ resources }: Plan): (Resource | undefined)[] {
  return resources.filter(trains).map(({ provisioners }) => {
    const references = provisioners.flatMap(
      (p) => p.arguments.environment?.references ?? [],
    );
    return resources.find(
      ({ type, address }) =>
        type === "google_cloud_run_v2_job" &&
        references.some((r) => r === address || r.startsWith(`${address}.`)),
    );
  });
}

function reason({ before, values, unknown, actionReason }: Resource): string {
  if (actionReason === "replace_because_tainted") {
    return "tainted by an earlier failure";
  }
  if (actionReason === "replace_by_request")
    return "a replacement was asked for";
  if (before === null) return "its first run";
  const [old, now] = [before, values].map((v) => objectOf(v.triggers));
  const changed = Object.keys({ ...old, ...now }).filter(
    (key) =>
      own(old, key) !== own(now, key) || own(unknown.triggers, key) === true,
  );
  return changed.length === 0
    ? "no trigger changed"
    : changed
        .map(
          (key) =>
            `${key} was ${String(own(old, key))}, becomes ${String(own(now, key) ?? "(not known yet)")}`,
        )
        .join("; ");
}

function hours({ provisioners }: Resource): string {
  const [environment] = provisioners.map((p) => p.arguments.environment?.value);
  const seconds = Number(text(environment, "TASK_TIMEOUT_SECONDS"));
  const retries = Number(text(environment, "MAX_RETRIES"));
  const most = (seconds * (1 + retries)) / 3600;
  return Number.isFinite(most) ? String(Math.round(most * 100) / 100) : "?";
}
