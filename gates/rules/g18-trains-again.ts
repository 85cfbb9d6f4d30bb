import { type Training, trainings } from "../apply-summary/trainings";
import { attribute } from "../attribute";
import { own } from "../json";
import { remains, type Resource } from "../resource";
import type { Observation, Rule } from "../rule";
import { workloads } from "../workload";

/** Whoever approves the apply knows that it pays for a training, and why. */
export const trainsAgain: Rule = {
  id: "G18",
  title: "a training is named, with its reason",
  why: "Training holds a GPU for up to its time limit, at every attempt.",
  page: "https://cloud.google.com/run/docs/execute/jobs",
  check: (plan) => [
    ...trainings(plan, {})
      .filter(({ pinned }) => !pinned)
      .map(
        (training): Observation => ({
          level: "flag",
          address: training.address,
          message: `${training.occasion === "first" ? "trains" : "trains again"}: ${reason(training)}; up to ${hours(training)} GPU hours`,
          change: "approve it, or set pin to a run that is published",
        }),
      ),
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

function reason({ occasion, triggers }: Training): string {
  return {
    first: "its first run",
    trigger: triggers.join("; ") || "its triggers are not known yet",
    "failed before": "tainted by an earlier failure",
    requested: "a replacement was asked for",
    unknown: "no trigger changed",
  }[occasion];
}

function hours({ cost: { timeoutSeconds, attempts } }: Training): string {
  return timeoutSeconds === undefined || attempts === undefined
    ? "?"
    : String(Math.round((timeoutSeconds * attempts) / 36) / 100);
}
