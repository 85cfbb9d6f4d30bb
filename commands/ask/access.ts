import { CommandError } from "../command-line";
import { principalOf } from "./identity-token";
import type { SettingsOfModel } from "./served-model";

/**
 * Stops at Cloud Run's 401 and 403, and says whom to let in and how.
 *
 * @see https://cloud.google.com/run/docs/authenticating/developers
 */
export function requireAccess(
  status: number,
  token: string | null,
  { service }: SettingsOfModel,
): void {
  if (status !== 401 && status !== 403) {
    return;
  }
  const principal = (token && principalOf(token)) ?? "user:YOU@EXAMPLE.COM";
  const {
    name = "SERVICE",
    region = "REGION",
    project = "PROJECT",
  } = service ?? {};
  const why =
    status === 401
      ? "Cloud Run does not accept the identity token (401). With a person's login try GOOGLE_ID_TOKEN=$(gcloud auth print-identity-token). If it is accepted, whoever asks also needs"
      : `${principal} may not ask the service (403): what is missing is`;
  throw new CommandError(
    `${why} roles/run.invoker on ${name}. Put "${principal}" into serving.invokers in cdktf.json and deploy, or\n  gcloud run services add-iam-policy-binding ${name} --region ${region} --project ${project} --member ${principal} --role roles/run.invoker`,
  );
}
