import { ApiError } from "../api-error";
import { enabledVersion } from "../apis/secret-versions";
import type { Cloud } from "../cloud";
import type { Json } from "../state";
import { StartFailure } from "./start-failure";

/** What a template's secrets say. */
export interface Secrets {
  /** By variable of the environment. */
  readonly variables: Readonly<Record<string, string>>;

  /** By volume, then by path in it. */
  readonly files: Readonly<Record<string, Readonly<Record<string, Buffer>>>>;
}

/**
 * Reads the secrets of a template as its account.
 *
 * @throws StartFailure for one that is not there, or that the account may not read
 * @see https://cloud.google.com/run/docs/configuring/services/secrets
 */
export function readSecrets(cloud: Cloud, template: Json): Secrets {
  const account: string = template["serviceAccount"];
  const env: Json[] = (template["containers"] ?? []).flatMap(
    (container: Json) => container["env"] ?? [],
  );
  const variables: Record<string, string> = {};
  for (const { name, valueSource } of env) {
    const reference = valueSource?.secretKeyRef;
    if (reference === undefined) continue;
    const { secret, version } = reference;
    variables[name] = payload(cloud, account, secret, version).toString();
  }
  const files: Record<string, Record<string, Buffer>> = {};
  for (const { name, secret: volume } of template["volumes"] ?? []) {
    if (volume === undefined) continue;
    const { secret, items = [{ path: secret.split("/").at(-1) }] } = volume;
    files[name] = Object.fromEntries(
      items.map(({ path, version }: Json) => [
        path,
        payload(cloud, account, secret, version),
      ]),
    );
  }
  return { variables, files };
}

/** @param secret - its id, or its full name */
function payload(
  cloud: Cloud,
  account: string,
  secret: string,
  version = "latest",
): Buffer {
  const id = secret.split("/").at(-1);
  const path = `${cloud.project}/secrets/${id}`;
  const shown = `projects/${cloud.settings.projectNumber}/secrets/${id}/versions/${version}`;
  let data: string;
  try {
    ({ data } = enabledVersion(cloud, `${path}/versions/${version}`));
  } catch (error) {
    const missing = (error as ApiError).code === 404;
    throw new StartFailure(
      400,
      missing ? `Secret ${shown} was not found` : (error as Error).message,
      "SECRETS_ACCESS_CHECK_FAILED",
    );
  }
  const member = `serviceAccount:${account}`;
  if (!cloud.access.allows(member, "secretmanager.versions.access", path)) {
    throw new StartFailure(
      403,
      `Permission denied on secret: ${shown} for Revision service account ${account}. The service account used must be granted the 'Secret Manager Secret Accessor' role (roles/secretmanager.secretAccessor) at the secret, project or higher level.`,
      "SECRETS_ACCESS_CHECK_FAILED",
    );
  }
  return Buffer.from(data, "base64");
}
