import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "./api-error";
import type { Cloud } from "./cloud";
import type { Service } from "./services";

/** APIs that count a person's calls to a project of theirs, and to no other. */
const NEEDED_FOR = ["billingbudgets"];

/** Of the Google Cloud SDK, to which a person's calls count otherwise. */
const SDK_PROJECT = "projects/764086051850";

/**
 * Checks the project that a call counts to (`X-Goog-User-Project`).
 *
 * @throws ApiError for another project than this, without the right to use it, and where a person names
 *   none and has to
 * @see https://cloud.google.com/docs/quotas/quota-project
 */
export function requireQuotaProject(
  { access, settings }: Cloud,
  { name }: Service,
  principal: string,
  headers: IncomingHttpHeaders,
): void {
  const given = headers["x-goog-user-project"];
  const service = `${name}.googleapis.com`;
  if (given === undefined) {
    if (NEEDED_FOR.includes(name) && principal.startsWith("user:")) {
      throw new ApiError(
        403,
        `Your application is authenticating by using local Application Default Credentials. The ${service} API requires a quota project, which is not set by default. To learn how to set your quota project, see https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds .`,
        {
          reason: "SERVICE_DISABLED",
          metadata: { service, consumer: SDK_PROJECT },
        },
      );
    }
    return;
  }
  const { project, projectNumber } = settings;
  if (
    ![project, projectNumber].includes(String(given)) ||
    !access.allows(principal, "serviceusage.services.use")
  ) {
    throw new ApiError(
      403,
      `Caller does not have required permission to use project ${given}. Grant the caller the roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission, by visiting https://console.developers.google.com/iam-admin/iam/project?project=${given} and then retry. Propagation of the new permission may take a few minutes.`,
      {
        reason: "USER_PROJECT_DENIED",
        metadata: { service, consumer: `projects/${given}` },
      },
    );
  }
}
