import type { Cloud } from "./cloud";
import { GCLOUD_AUDIENCE } from "./iam/tokens";
import { SERVICES } from "./services";

/**
 * The environment that sends Terraform's provider, the provisioners and gcloud to a cloud. Not
 * STORAGE_EMULATOR_HOST: with it, clients and Terraform's GCS backend send no token.
 */
export function cloudEnvironment(cloud: Cloud): Record<string, string> {
  const { settings, origin, tokens } = cloud;
  const hours = 12 * 3600;
  const environment: Record<string, string> = {
    PROJECT_ID: settings.project,
    REGION: settings.region,
    GOOGLE_OAUTH_ACCESS_TOKEN: tokens.accessToken(
      `user:${settings.user}`,
      hours,
    ),
    GOOGLE_ID_TOKEN: tokens.identityToken(
      settings.user,
      GCLOUD_AUDIENCE,
      hours,
    ),
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
    CLOUDSDK_AUTH_ACCESS_TOKEN: environment["GOOGLE_OAUTH_ACCESS_TOKEN"]!,
    CLOUDSDK_CORE_PROJECT: settings.project,
  };
}
