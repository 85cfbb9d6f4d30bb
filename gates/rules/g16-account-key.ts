import { remains } from "../resource";
import type { Rule } from "../rule";

/** No key that outlives the apply: its private half would stand in the state. */
export const accountKey: Rule = {
  id: "G16",
  title: "no service account keys",
  why: "The key stands in the state, never expires by itself and works from anywhere.",
  page: "https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys",
  check: ({ resources }) =>
    resources
      .filter((r) => KEYS.has(r.type) && r.mode === "managed" && remains(r))
      .map(({ address, type }) => ({
        level: "block",
        address,
        message: `${type} puts key material into the state`,
        change:
          "use the identity of the workload, impersonation or workload identity federation",
      })),
};

const KEYS: ReadonlySet<string> = new Set([
  "google_service_account_key",
  "google_storage_hmac_key",
  "google_apikeys_key",
]);
