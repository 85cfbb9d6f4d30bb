import { ApiError } from "../api-error";
import type { Call } from "../call";
import type { Cloud } from "../cloud";
import type { Json, StoredObject } from "../state";

/** @throws ApiError if there is no such bucket */
export function existingBucket({ state }: Cloud, name: string): Json {
  const bucket = state.buckets[name];
  if (bucket === undefined) {
    throw new ApiError(404, "The specified bucket does not exist.", {
      reason: "notFound",
    });
  }
  return bucket;
}

/** Full resource name of a bucket. */
export function bucketName(bucket: string): string {
  return `projects/_/buckets/${bucket}`;
}

/**
 * @param object - name of an object; without one the bucket itself is meant
 * @throws ApiError 403 in the words of Cloud Storage
 */
export function requireStorage(
  cloud: Cloud,
  { principal }: Pick<Call, "principal">,
  permission: string,
  bucket: string,
  object?: string,
): void {
  const resource = bucketName(bucket);
  const target =
    object === undefined ? resource : `${resource}/objects/${object}`;
  if (!cloud.access.allows(principal, permission, resource, target)) {
    const who = principal.slice(principal.indexOf(":") + 1);
    const what =
      permission.startsWith("storage.buckets.") || object === undefined
        ? "bucket"
        : "object";
    throw new ApiError(
      403,
      `${who} does not have ${permission} access to the Google Cloud Storage ${what}. Permission '${permission}' denied on resource (or it may not exist).`,
      { reason: "forbidden" },
    );
  }
}

/** @throws ApiError if there is no such object, or no such version of it */
export function existingObject(
  cloud: Cloud,
  bucket: string,
  name: string,
  generation?: string | null,
): StoredObject {
  existingBucket(cloud, bucket);
  const object = cloud.objects.find(bucket, name, generation);
  if (object === undefined) {
    throw new ApiError(404, `No such object: ${bucket}/${name}`, {
      reason: "notFound",
    });
  }
  return object;
}
