import { GoogleApiError } from "../../provision/google-api-error";
import type { GoogleClient } from "../../provision/google-client";
import type { StackJson } from "../synthesis";
import type { StateResource } from "../terraform";
import { ownerOf } from "./existing-resources";

const SECRET = "google_secret_manager_secret";
const VERSION = "google_secret_manager_secret_version";
const JOB = "google_cloud_run_v2_job";

/**
 * Versions of the stack's own secret that a killed apply wrote and the state
 * does not have. Importing one would read the token into the state; the next
 * deploy writes it as a new version instead.
 *
 * @param ours - addresses of what exists and is this stack's
 * @returns full names; none while an execution runs, whose next attempt may
 * still read one
 */
export async function leftTokenVersions(
  json: StackJson,
  state: readonly StateResource[],
  ours: ReadonlySet<string>,
  google: GoogleClient,
): Promise<string[]> {
  const [secret, block] =
    Object.entries(json.resource?.[SECRET] ?? {})[0] ?? [];
  if (block === undefined || !ours.has(`${SECRET}.${secret}`)) return [];
  const held = state.find(({ type }) => type === VERSION);
  const { project } = ownerOf(json);
  const { versions = [] } = await google.request<{
    versions?: { name: string; state: string }[];
  }>({
    service: "secretmanager",
    path: `projects/${project}/secrets/${block["secret_id"]}/versions`,
    query: { pageSize: "100" },
    retry: { deadlineSeconds: 20 },
  });
  const newest = held ? Number(held.attributes["version"]) : Infinity;
  const left = versions
    .filter(({ name, state }) => state === "ENABLED" && number(name) < newest)
    .map(({ name }) => name);
  return left.length > 0 && (await trains(json, project, google)) ? [] : left;
}

/** Deletes the token in it for good. */
export async function destroyVersion(
  name: string,
  google: GoogleClient,
): Promise<void> {
  await google.request({
    service: "secretmanager",
    path: `${name}:destroy`,
    method: "POST",
    body: {},
    retry: { idempotent: true, deadlineSeconds: 60 },
  });
}

async function trains(
  json: StackJson,
  project: string,
  google: GoogleClient,
): Promise<boolean> {
  for (const { location, name } of Object.values(json.resource?.[JOB] ?? {})) {
    try {
      const { executions = [] } = await google.request<{
        executions?: { completionTime?: string }[];
      }>({
        service: "run",
        path: `projects/${project}/locations/${location}/jobs/${name}/executions`,
        query: { pageSize: "20" },
        retry: { deadlineSeconds: 20 },
      });
      if (executions.some(({ completionTime }) => !completionTime)) return true;
    } catch (error) {
      if (!(error instanceof GoogleApiError && error.status === 404)) {
        throw error;
      }
    }
  }
  return false;
}

function number(name: string): number {
  return Number(name.split("/").at(-1));
}
