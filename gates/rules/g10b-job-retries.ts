import { isWritten } from "../attribute";
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
          !isWritten(w.resource, [...w.template, "max_retries"]),
      )
      .map(({ resource }) => ({
        level: "flag",
        address: resource.address,
        attribute: "template.template.max_retries",
        message: "max_retries is not set, which means 3",
        change: "set training.retries",
      })),
};
