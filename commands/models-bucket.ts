import { GoogleApiError } from "../provision/google-api-error";
import type { GoogleClient } from "../provision/google-client";
import { CommandError } from "./command-line";
import type { StackJson } from "./synthesis";

/** The bucket that holds the models, as the stack declares it. */
export interface ModelsBucket {
  /** Address in Terraform, such as `google_storage_bucket.models`. */
  readonly address: string;
  readonly name: string;
  /** Id of the project that it belongs to. */
  readonly project: string;
  /** Region, in any case. */
  readonly location: string;
}

/**
 * Finds the bucket that the jobs and services mount: the other bucket, of build
 * sources, is not worth keeping.
 *
 * @returns null for a stack that declares no such bucket.
 */
export function findModelsBucket(json: StackJson): ModelsBucket | null {
  const buckets = json.resource?.["google_storage_bucket"] ?? {};
  const containers = JSON.stringify([
    json.resource?.["google_cloud_run_v2_job"],
    json.resource?.["google_cloud_run_v2_service"],
  ]);
  const mounted = [
    ...containers.matchAll(
      /"gcs":\{[^}]*?"bucket":"(\$\{google_storage_bucket\.([\w-]+)\.\w+\}|[^"]+)"/g,
    ),
  ];
  for (const [, bucket, id] of mounted) {
    const [key, declared] =
      Object.entries(buckets).find(
        ([name, { name: literal }]) => name === id || literal === bucket,
      ) ?? [];
    if (key !== undefined && declared !== undefined) {
      const project =
        declared["project"] ?? json.provider?.["google"]?.[0]?.["project"];
      return {
        address: `google_storage_bucket.${key}`,
        name: String(declared["name"]),
        project: String(project),
        location: String(declared["location"]),
      };
    }
  }
  return null;
}

/** A bucket as it is. */
export interface ExistingBucket {
  readonly location: string;
}

/**
 * The bucket, if it exists in its project already.
 *
 * @throws CommandError when the name is taken by another project (bucket names
 * are global).
 * @throws Error when that cannot be found out.
 */
export async function findBucket(
  bucket: ModelsBucket,
  google: GoogleClient,
): Promise<ExistingBucket | null> {
  const taken = new CommandError(
    `The bucket name '${bucket.name}' is taken outside project ${bucket.project} (bucket names are global), or you may not read the bucket. Choose another with BUCKET_NAME or the setting bucket.name, or ask for roles/storage.admin.`,
  );
  const retry = { deadlineSeconds: 20 };
  let found: { projectNumber?: string; location?: string };
  try {
    found = await google.request({
      service: "storage",
      path: `b/${bucket.name}`,
      retry,
    });
  } catch (error) {
    if (error instanceof GoogleApiError && error.status === 404) {
      return null;
    }
    // Without the permission Google says 403 whoever owns the bucket, and also
    // while the project's API is still off.
    if (
      error instanceof GoogleApiError &&
      error.status === 403 &&
      !error.serviceDisabled
    ) {
      throw taken;
    }
    throw error;
  }
  const { projectNumber } = await google.request<{ projectNumber?: string }>({
    service: "resourcemanager",
    path: `projects/${bucket.project}`,
    retry,
  });
  if (String(found.projectNumber) !== String(projectNumber)) {
    throw taken;
  }
  return { location: String(found.location) };
}

/**
 * Refuses to take a bucket over that Terraform would replace: that would delete
 * the models in it.
 *
 * @throws CommandError when the bucket lies in another region.
 */
export function requireSameLocation(
  declared: ModelsBucket,
  { location }: ExistingBucket,
): void {
  if (location.toLowerCase() !== declared.location.toLowerCase()) {
    throw new CommandError(
      `gs://${declared.name} exists already, with what an earlier deployment left, but in ${location.toLowerCase()} and not in ${declared.location.toLowerCase()}: set REGION back, choose another bucket with BUCKET_NAME, or delete that one with npm run destroy -- --with-models.`,
    );
  }
}
