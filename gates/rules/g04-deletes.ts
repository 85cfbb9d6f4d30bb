import { isDeleted } from "../resource";
import type { Rule } from "../rule";

/** What holds models, images or an address that people call is not deleted by the way. */
export const deletes: Rule = {
  id: "G04",
  title: "no deletion of buckets, secrets, repositories, services",
  why: "A deletion or a replacement loses what is inside, or the address that callers use.",
  page: "https://developer.hashicorp.com/terraform/internals/json-format#change-representation",
  check: ({ resources }) =>
    resources
      .filter((r) => PROTECTED.has(r.type) && isDeleted(r))
      .map((resource) => {
        const { address, actionReason, replacePaths, deposed } = resource;
        const replaced = resource.actions.includes("create");
        const because = [
          actionReason,
          ...replacePaths.map((path) => path.map(String).join(".")),
        ].filter((part) => part !== undefined && part !== "");
        return {
          level: "block" as const,
          address,
          message: `${replaced ? "replaced (deleted and made anew)" : "deleted"}${
            deposed === undefined ? "" : `, the leftover ${deposed}`
          }${because.length > 0 ? `: ${because.join(", ")}` : ""}`,
          change:
            "take back what forces it; a move in the configuration wants a moved block",
        };
      }),
};

/**
 * Without secret versions: a new token replaces the version before it, which
 * `create_before_destroy` keeps until then.
 */
export const PROTECTED: ReadonlySet<string> = new Set([
  "google_storage_bucket",
  "google_secret_manager_secret",
  "google_secret_manager_regional_secret",
  "google_artifact_registry_repository",
  "google_cloud_run_v2_service",
  "google_cloud_run_service",
]);
