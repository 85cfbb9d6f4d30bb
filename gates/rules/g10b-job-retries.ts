import { attribute, isWritten } from "../attribute";
import type { Resource } from "../resource";
import type { Rule } from "../rule";
import { gpus, workloads } from "../workload";

/** Whoever pays for a failing GPU task says how often. */
export const jobRetries: Rule = {
  id: "G10b",
  title: "retries of a GPU job are written down",
  why: "The provider's default is 3: a task that fails is paid for up to four times, each to its time limit.",
  page: "https://cloud.google.com/run/docs/configuring/max-retries",
  check: (plan) =>
    workloads(plan)
      .filter(
        (w) =>
          w.kind === "job" &&
          gpus(w) !== undefined &&
          isLeftOut(w.resource, [...w.template, "max_retries"]),
      )
      .map(({ resource }) => ({
        level: "flag",
        address: resource.address,
        attribute: "template.template.max_retries",
        message: "max_retries is not set, which means 3",
        change: "set training.retries",
      })),
};

/** What a dynamic block says is in no configuration, and differs from the default. */
function isLeftOut(job: Resource, path: readonly string[]): boolean {
  const retries = attribute(job, path)?.value ?? DEFAULT;
  return !isWritten(job, path) && retries === DEFAULT;
}

/** The provider's. */
const DEFAULT = 3;
