import type { AuthClient, gaxios } from "google-auth-library";
import { googleCredentials } from "../../provision/google-credentials";
import { CommandError } from "../command-line";

const READY_TOKEN =
  "export GOOGLE_ID_TOKEN=$(gcloud auth print-identity-token)";

/** What the clients of google-auth-library can do beside access tokens. */
interface TokenSource {
  fetchIdToken?(
    audience: string,
    options?: { includeEmail: boolean },
  ): Promise<string>;
  getServiceAccountEmail?(): string | null;
}

/**
 * A token that says who is asking, which is what Cloud Run wants: access tokens
 * are refused. From `GOOGLE_ID_TOKEN`, or from the Application Default
 * Credentials: a service account's key, impersonation, the metadata server,
 * workload identity, or a person's login.
 *
 * @param audience - address of the service
 * @throws CommandError that says how to get one.
 * @see https://cloud.google.com/run/docs/authenticating/developers
 */
export async function identityToken(
  audience: string,
  env: NodeJS.ProcessEnv,
  transporterOptions: gaxios.GaxiosOptions = {},
): Promise<string> {
  const ready = env["GOOGLE_ID_TOKEN"];
  if (ready) {
    return ready;
  }
  if (
    env["GOOGLE_OAUTH_ACCESS_TOKEN"] &&
    !env["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"]
  ) {
    throw new CommandError(
      `Cloud Run wants an identity token, and GOOGLE_OAUTH_ACCESS_TOKEN is none: ${READY_TOKEN}`,
    );
  }
  const credentials = await googleCredentials(env, transporterOptions);
  let token: string | null | undefined;
  try {
    token = await fromCredentials(credentials, audience);
  } catch (error) {
    throw new CommandError(
      `No identity token for ${audience}: ${(error as Error).message}. Log in again with gcloud auth application-default login, or ${READY_TOKEN}`,
    );
  }
  if (!token) {
    throw new CommandError(
      `These Google credentials give no identity token: ${READY_TOKEN}`,
    );
  }
  return token;
}

async function fromCredentials(
  credentials: AuthClient,
  audience: string,
): Promise<string | null | undefined> {
  const source = credentials as AuthClient & TokenSource;
  if (source.fetchIdToken) {
    // Without the e-mail a refusal could not say whom to let in.
    return source.fetchIdToken(audience, { includeEmail: true });
  }
  // Workload identity: the service account behind it signs.
  const email = source.getServiceAccountEmail?.();
  if (!email) {
    return null;
  }
  const { data } = await credentials.request<{ token: string }>({
    url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateIdToken`,
    method: "POST",
    data: { audience, includeEmail: true },
  });
  return data.token;
}

/** Whom a token stands for, as IAM writes it; null where it does not say. */
export function principalOf(token: string): string | null {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url");
    const { email } = JSON.parse(payload.toString()) as { email?: string };
    if (!email) return null;
    const service = email.endsWith(".gserviceaccount.com");
    return `${service ? "serviceAccount" : "user"}:${email}`;
  } catch {
    return null;
  }
}
