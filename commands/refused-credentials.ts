import { GoogleApiError } from "../provision/google-api-error";
import type { GoogleClient } from "../provision/google-client";

/**
 * After a failed apply: what to do about credentials that Google does not take any more, of which the
 * provider only says 401.
 *
 * @returns undefined where they are not the reason
 */
export async function refusedCredentials(
  project: string,
  google: GoogleClient,
): Promise<string | undefined> {
  try {
    await google.request({
      service: "resourcemanager",
      path: `projects/${project}`,
      retry: { deadlineSeconds: 0 },
      timeoutSeconds: 10,
    });
    return undefined;
  } catch (error) {
    // Any other answer, and none at all, says nothing about them.
    return error instanceof GoogleApiError
      ? undefined
      : (error as Error).message;
  }
}
