import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { enabledVersion } from "../apis/secret-manager";
import { bucketName } from "../storage/bucket-access";
import type { Image, Json } from "../state";

/** Why a container cannot start, with the reason that its condition carries. */
export class StartFailure extends ApiError {
  constructor(
    code: number,
    message: string,
    readonly conditionReason: string,
  ) {
    super(code, message);
  }
}

/** @returns what the secrets of a container's environment say, by variable */
export function readSecrets(
  cloud: Cloud,
  template: Json,
): Record<string, string> {
  const account: string = template["serviceAccount"];
  const values: Record<string, string> = {};
  const env: Json[] = (template["containers"] ?? []).flatMap(
    (container: Json) => container["env"] ?? [],
  );
  for (const { name, valueSource } of env) {
    const reference = valueSource?.secretKeyRef;
    if (reference === undefined) {
      continue;
    }
    const { secret, version = "latest" } = reference;
    const id = secret.split("/").at(-1);
    const path = `${cloud.project}/secrets/${id}`;
    const shown = `projects/${cloud.settings.projectNumber}/secrets/${id}/versions/${version}`;
    try {
      const { data } = enabledVersion(cloud, `${path}/versions/${version}`);
      values[name] = Buffer.from(data, "base64").toString();
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
  }
  return values;
}

/** @throws StartFailure if the account may not have a bucket as a volume */
export function checkMounts(cloud: Cloud, template: Json): void {
  const account: string = template["serviceAccount"];
  for (const { name, gcs } of template["volumes"] ?? []) {
    if (gcs === undefined) {
      continue;
    }
    const { bucket, readOnly } = gcs;
    if (!cloud.state.buckets[bucket]) {
      throw new StartFailure(
        404,
        `Mounting volume '${name}' failed: bucket ${bucket} does not exist.`,
        "CONTAINER_MISSING",
      );
    }
    const resource = bucketName(bucket);
    const needed = [
      "storage.objects.list",
      "storage.objects.get",
      ...(readOnly ? [] : ["storage.objects.create"]),
    ];
    const missing = needed.filter(
      (permission) =>
        !cloud.access.allows(
          `serviceAccount:${account}`,
          permission,
          resource,
          permission === "storage.objects.list"
            ? resource
            : `${resource}/objects/`,
        ),
    );
    if (missing.length > 0) {
      throw new StartFailure(
        403,
        `Mounting volume '${name}' failed: ${account} does not have ${missing.join(", ")} access to the Google Cloud Storage bucket ${bucket}.`,
        "CONTAINER_PERMISSION_DENIED",
      );
    }
  }
}

/**
 * An image of this project's registry, by tag or digest.
 *
 * @throws StartFailure if it is not there; one of another registry cannot be had here at all
 */
export function pullImage({ state }: Cloud, reference: string): Image {
  const [, name = "", tag, digest] =
    /^([^:@]+)(?::([\w.-]+))?(?:@(sha256:\w+))?$/.exec(reference) ?? [];
  const found = state.images.find(
    (image) =>
      image.name === name &&
      (digest ? image.digest === digest : image.tags.includes(tag ?? "latest")),
  );
  if (found === undefined) {
    throw new StartFailure(
      404,
      `Image '${reference}' not found.`,
      "CONTAINER_MISSING",
    );
  }
  return found;
}

/** @throws ApiError if the caller may not let something run as this account */
export function requireActAs(
  cloud: Cloud,
  principal: string,
  account: string,
): void {
  const resource = `${cloud.project}/serviceAccounts/${account}`;
  if (
    !cloud.state.accounts[account] ||
    !cloud.access.allows(principal, "iam.serviceAccounts.actAs", resource)
  ) {
    throw new ApiError(
      403,
      `Permission 'iam.serviceaccounts.actAs' denied on service account ${account} (or it may not exist).`,
    );
  }
}
