import { WHOLE_PLAN } from "../finding";
import { labelsOfResource } from "../profile";
import { remains } from "../resource";
import type { Rule } from "../rule";

/** What costs money says whose it is: the bill is sorted by labels. */
export const missingLabels: Rule = {
  id: "G20",
  title: "labels owner, env and cost-center",
  why: "Costs and abandoned resources are traced to their owner by labels alone.",
  page: "https://cloud.google.com/resource-manager/docs/best-practices-labels",
  check(plan) {
    // One observation for all that lack the same: labels are set in one place.
    const without = new Map<string, string[]>();
    for (const r of plan.resources) {
      if (!LABELLED.has(r.type) || !remains(r)) continue;
      const labels = labelsOfResource(plan, r.values);
      const missing = WANTED.filter((key) => (labels[key] ?? "") === "");
      if (missing.length > 0) {
        const key = missing.join(", ");
        without.set(key, [...(without.get(key) ?? []), r.address]);
      }
    }
    return [...without].map(([missing, addresses]) => ({
      level: "flag",
      address: addresses.length === 1 ? addresses[0]! : WHOLE_PLAN,
      message: `${missing} missing on ${addresses.join(", ")}`,
      change: "set them in labels of the environment",
    }));
  },
};

const WANTED = ["owner", "env", "cost-center"];
const LABELLED: ReadonlySet<string> = new Set([
  "google_storage_bucket",
  "google_artifact_registry_repository",
  "google_secret_manager_secret",
  "google_cloud_run_v2_service",
  "google_cloud_run_v2_job",
]);
