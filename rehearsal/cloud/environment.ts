import type { Cloud } from "./cloud";
import { GCLOUD_AUDIENCE } from "./iam/tokens";
import { SERVICES } from "./services";

const SECONDS = 12 * 3600;

/**
 * The environment that sends Terraform's provider, the provisioners and gcloud to a cloud. Not
 * STORAGE_EMULATOR_HOST: with it, clients and Terraform's GCS backend send no token.
 *
 * @param keyFile - of a service account, to work as it and not as the user
 */
export function cloudEnvironment(
  cloud: Cloud,
  keyFile?: string,
): Record<string, string> {
  const { settings, origin } = cloud;
  const environment: Record<string, string> = {
    PROJECT_ID: settings.project,
    REGION: settings.region,
    ...(keyFile === undefined ? ofUser(cloud) : ofKeyFile(keyFile)),
  };
  for (const { prefix, base, variable, gcloud } of SERVICES) {
    const address = `${origin}/${prefix}/`;
    if (variable) environment[variable] = address + base;
    if (gcloud) {
      environment[`CLOUDSDK_API_ENDPOINT_OVERRIDES_${gcloud.toUpperCase()}`] =
        prefix === "storage" ? `${address}${base}` : address;
    }
  }
  return {
    ...environment,
    // Where gcloud, and `npm run preflight`, ask for and about tokens.
    CLOUDSDK_AUTH_TOKEN_HOST: `${origin}/oauth2/token`,
    CLOUDSDK_CORE_PROJECT: settings.project,
  };
}

function ofUser({ settings, tokens }: Cloud): Record<string, string> {
  const token = tokens.accessToken(`user:${settings.user}`, SECONDS);
  return {
    GOOGLE_OAUTH_ACCESS_TOKEN: token,
    CLOUDSDK_AUTH_ACCESS_TOKEN: token,
    GOOGLE_ID_TOKEN: tokens.identityToken(
      settings.user,
      GCLOUD_AUDIENCE,
      SECONDS,
    ),
  };
}

function ofKeyFile(file: string): Record<string, string> {
  return {
    GOOGLE_APPLICATION_CREDENTIALS: file,
    CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: file,
  };
}
