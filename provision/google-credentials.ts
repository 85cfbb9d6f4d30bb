import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import {
  type AuthClient,
  type gaxios,
  GoogleAuth,
  Impersonated,
  OAuth2Client,
} from "google-auth-library";
import { askWhereKeySays } from "./token-address";

// The provider's scopes (DefaultClientScopes).
const SCOPES = [
  "https://www.googleapis.com/auth/cloud-platform",
  "https://www.googleapis.com/auth/userinfo.email",
];

/** What to do about missing or refused credentials. */
export const LOG_IN =
  "log in with `gcloud auth application-default login`, or export GOOGLE_OAUTH_ACCESS_TOKEN, or a key file's path as GOOGLE_APPLICATION_CREDENTIALS";

/**
 * Credentials that the Terraform provider would use in the same environment, in
 * its order: `GOOGLE_OAUTH_ACCESS_TOKEN`, `GOOGLE_CREDENTIALS` (content or path)
 * and its older names, Application Default Credentials; on behalf of
 * `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT` if that is set.
 *
 * @param transporterOptions - defaults of every request, those for tokens too.
 * @throws one line that says how to log in.
 * @see https://registry.terraform.io/providers/hashicorp/google/latest/docs/guides/provider_reference#authentication
 */
export async function googleCredentials(
  env: NodeJS.ProcessEnv,
  transporterOptions: gaxios.GaxiosOptions,
): Promise<AuthClient> {
  const source = await sourceCredentials(env, transporterOptions);
  const principal = env["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"];
  const client = principal
    ? new Impersonated({
        sourceClient: source,
        targetPrincipal: principal,
        targetScopes: SCOPES,
        transporterOptions,
      })
    : source;
  setQuotaProject(client, env);
  return client;
}

async function sourceCredentials(
  env: NodeJS.ProcessEnv,
  transporterOptions: gaxios.GaxiosOptions,
): Promise<AuthClient> {
  const accessToken = env["GOOGLE_OAUTH_ACCESS_TOKEN"];
  if (accessToken) {
    // google-auth-library does not know this variable of the provider.
    const client = new OAuth2Client({ transporterOptions });
    client.setCredentials({ access_token: pathOrContents(accessToken).trim() });
    return client;
  }
  const given =
    env["GOOGLE_CREDENTIALS"] ||
    env["GOOGLE_CLOUD_KEYFILE_JSON"] ||
    env["GCLOUD_KEYFILE_JSON"];
  const keyFile = env["GOOGLE_APPLICATION_CREDENTIALS"];
  try {
    const client = await new GoogleAuth({
      scopes: SCOPES,
      // Never asked for, but without one the library starts gcloud to find it.
      projectId: env["PROJECT_ID"] ?? "unknown",
      clientOptions: { transporterOptions },
      ...(given ? { credentials: JSON.parse(pathOrContents(given)) } : {}),
      ...(!given && keyFile ? { keyFilename: keyFile } : {}),
    }).getClient();
    if (given) askWhereKeySays(client, pathOrContents(given));
    else if (keyFile) askWhereKeySays(client, readFileSync(keyFile, "utf8"));
    return client;
  } catch (error) {
    // Never the parser's own words on GOOGLE_CREDENTIALS: they quote the key.
    const reason = given
      ? "GOOGLE_CREDENTIALS is neither a key file nor the content of one"
      : (error as Error).message;
    throw new Error(`no usable Google credentials (${reason}): ${LOG_IN}`);
  }
}

/** The provider takes either for each of its variables (PathOrContents). */
function pathOrContents(value: string): string {
  const path = value.replace(/^~(?=\/|$)/, homedir());
  return existsSync(path) ? readFileSync(path, "utf8") : value;
}

/**
 * Which project's quota pays. The provider ignores the `quota_project_id` of a
 * login and sends a project only with `USER_PROJECT_OVERRIDE`.
 */
function setQuotaProject(client: AuthClient, env: NodeJS.ProcessEnv): void {
  const override = /^(1|t|true)$/i.test(env["USER_PROJECT_OVERRIDE"] ?? "");
  const project = override
    ? env["GOOGLE_BILLING_PROJECT"] || env["PROJECT_ID"]
    : env["GOOGLE_CLOUD_QUOTA_PROJECT"];
  if (project) client.quotaProjectId = project;
  else delete client.quotaProjectId;
}
