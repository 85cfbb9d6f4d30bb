import type { AuthClient, gaxios } from "google-auth-library";
import { googleApiError } from "./google-api-error";
import { googleCredentials } from "./google-credentials";
import { googleUrl } from "./google-endpoints";

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

export interface IdentityTokenOptions {
  /** Defaults of every request. */
  readonly transporterOptions?: gaxios.GaxiosOptions;

  /**
   * E-mail of a service account to sign for credentials that have no identity
   * of their own to show: an access token, direct workload identity.
   */
  readonly signer?: string;
}

/**
 * A token that says who is asking, which is what Cloud Run wants: access tokens
 * are refused. From `GOOGLE_ID_TOKEN`, or from the Application Default
 * Credentials: a service account's key, impersonation, the metadata server,
 * workload identity, or a person's login.
 *
 * @param audience - address of the service
 * @throws Error that says how to get one.
 * @see https://cloud.google.com/run/docs/authenticating/developers
 */
export async function identityToken(
  audience: string,
  env: NodeJS.ProcessEnv,
  { transporterOptions = {}, signer }: IdentityTokenOptions = {},
): Promise<string> {
  const ready = env["GOOGLE_ID_TOKEN"];
  if (ready) {
    return ready;
  }
  const anonymous =
    Boolean(env["GOOGLE_OAUTH_ACCESS_TOKEN"]) &&
    !env["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"];
  if (anonymous && signer === undefined) {
    throw new Error(
      `Cloud Run wants an identity token, and GOOGLE_OAUTH_ACCESS_TOKEN is none: ${READY_TOKEN}`,
    );
  }
  const credentials = await googleCredentials(env, transporterOptions);
  const source = credentials as AuthClient & TokenSource;
  let token: string | null | undefined;
  try {
    if (!anonymous && source.fetchIdToken) {
      // Without the e-mail a refusal could not say whom to let in.
      token = await source.fetchIdToken(audience, { includeEmail: true });
    } else {
      // Workload identity: the service account behind it signs.
      const email = source.getServiceAccountEmail?.() ?? signer;
      token = email && (await signedBy(email, audience, env, credentials));
    }
  } catch (error) {
    throw new Error(
      `No identity token for ${audience}: ${(error as Error).message}. Log in again with gcloud auth application-default login, or ${READY_TOKEN}`,
    );
  }
  if (!token) {
    throw new Error(
      `These Google credentials give no identity token: ${READY_TOKEN}`,
    );
  }
  return token;
}

/** @see https://cloud.google.com/iam/docs/create-short-lived-credentials-direct */
async function signedBy(
  email: string,
  audience: string,
  env: NodeJS.ProcessEnv,
  credentials: AuthClient,
): Promise<string> {
  const path = `projects/-/serviceAccounts/${email}:generateIdToken`;
  try {
    const { data } = await credentials.request<{ token: string }>({
      url: googleUrl(env, "iamcredentials", path),
      method: "POST",
      data: { audience, includeEmail: true },
    });
    return data.token;
  } catch (cause) {
    const { message } = googleApiError(`signing as ${email}`, cause);
    throw new Error(
      `${message} (that needs roles/iam.serviceAccountOpenIdTokenCreator on ${email})`,
    );
  }
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
