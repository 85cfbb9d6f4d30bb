import type { EnvironmentSettings } from "../../constructs/settings";
import { GoogleApiError } from "../../provision/google-api-error";
import type { GoogleClient } from "../../provision/google-client";
import type { Http } from "../http";

/** What one check found. */
export interface Finding {
  /** `warn` also where a check could not be made: that is never a pass. */
  readonly status: "pass" | "warn" | "fail";
  /** What was looked at. */
  readonly what: string;
  /** What was seen. */
  readonly detail: string;
  /** What mends it, where something has to be mended. */
  readonly remedy?: string;
}

/** What the checks look at. */
export interface Preflight {
  readonly settings: EnvironmentSettings;
  readonly env: NodeJS.ProcessEnv;
  readonly google: GoogleClient;
  readonly http: Http;
  /** An access token of the credentials that a deployment would use. */
  readonly accessToken: () => Promise<string>;
}

/** Looks at one thing. An error that it throws counts as "cannot tell". */
export type Check = (preflight: Preflight) => Promise<Finding[]>;

/**
 * The checks ask once and at once: nothing here is fresh, as it is in a
 * deployment.
 */
export const BRIEFLY = { deadlineSeconds: 10 };

/** The finding of a check that could not be made. */
export function cannotTell(what: string, error: unknown): Finding {
  const off = error instanceof GoogleApiError && error.serviceDisabled;
  const denied = error instanceof GoogleApiError && error.status === 403;
  const why = off
    ? "its API is not enabled (a deployment enables those it needs)"
    : briefly((error as Error).message);
  return {
    status: "warn",
    what,
    detail: `could not be checked: ${why}`,
    ...(denied && !off
      ? { remedy: "ask for roles/viewer on the project to check it" }
      : {}),
  };
}

/** Its first words: the credentials' own line says the rest once. */
function briefly(message: string): string {
  return (message.split(/\n|, request to /)[0] ?? "").replace(
    /^(no usable Google credentials) .*/,
    "$1",
  );
}
