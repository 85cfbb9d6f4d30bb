import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import type { CloudSettings } from "../cloud-settings";
import { bucketName } from "../storage/bucket-access";
import type { Image, Json } from "../state";
import { StartFailure } from "./start-failure";

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

/** Who pulls images. @see https://cloud.google.com/run/docs/securing/service-identity#service-agent */
export function serviceAgent({
  projectNumber,
}: Pick<CloudSettings, "projectNumber">): string {
  return `service-${projectNumber}@serverless-robot-prod.iam.gserviceaccount.com`;
}

/**
 * An image of this project's registry, by tag or digest.
 *
 * @throws StartFailure if it is not there, or Cloud Run may not read it; one of another registry cannot be
 *   had here at all
 */
export function pullImage(cloud: Cloud, reference: string): Image {
  const [, name = "", tag, digest] =
    /^([^:@]+)(?::([\w.-]+))?(?:@(sha256:\w+))?$/.exec(reference) ?? [];
  const found = cloud.state.images.find(
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
  const [, location, project, repository] =
    /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\//.exec(name) ?? [];
  const agent = serviceAgent(cloud.settings);
  if (
    !cloud.access.allows(
      `serviceAccount:${agent}`,
      "artifactregistry.repositories.downloadArtifacts",
      `projects/${project}/locations/${location}/repositories/${repository}`,
    )
  ) {
    throw new StartFailure(
      403,
      `Google Cloud Run Service Agent ${agent} must have permission to read the image, ${reference}. Ensure that the provided container image URL is correct and that the above account has permission to access the image. If you just enabled the Cloud Run API, the permissions might take a few minutes to propagate.`,
      "CONTAINER_PERMISSION_DENIED",
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
