import { ApiError } from "../api-error";
import type { Binding } from "../iam/policy";
import { timestamp } from "../identifiers";
import type { Json } from "../state";

/** @see https://cloud.google.com/storage/docs/buckets#naming */
export function checkName(name: string): void {
  if (
    !/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name) ||
    /^goog|google|g00gle|^\d+\.\d+\.\d+\.\d+$/.test(name)
  ) {
    throw new ApiError(400, `Invalid bucket name: '${name}'`, {
      reason: "invalid",
    });
  }
}

/** What Google adds of its own. */
export function complete(bucket: Json): void {
  const configuration = (bucket["iamConfiguration"] ??= {});
  const uniform = (configuration.uniformBucketLevelAccess ??= {
    enabled: false,
  });
  if (uniform.enabled) {
    uniform.lockedTime ??= timestamp(Date.now() + 90 * 86_400_000);
  }
  configuration.bucketPolicyOnly = { ...uniform };
  configuration.publicAccessPrevention ??= "inherited";
  for (const { condition } of bucket["lifecycle"]?.rule ?? []) {
    for (const [name, value] of Object.entries(condition ?? {})) {
      const empty = Array.isArray(value)
        ? value.length === 0
        : value === "" || value === null;
      if (empty) delete condition[name];
    }
  }
}

export function merged(present: Json | undefined, asked: Json): Json {
  const all = Object.entries({ ...present, ...asked });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

/** @see https://cloud.google.com/storage/docs/access-control/iam#convenience-values */
export function convenienceBindings(project: string): Binding[] {
  const owners = [`projectEditor:${project}`, `projectOwner:${project}`];
  const viewers = [`projectViewer:${project}`];
  return [
    { role: "roles/storage.legacyBucketOwner", members: owners },
    { role: "roles/storage.legacyBucketReader", members: viewers },
    { role: "roles/storage.legacyObjectOwner", members: owners },
    { role: "roles/storage.legacyObjectReader", members: viewers },
  ];
}
