import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import { etag, timestamp } from "../identifiers";
import type { Binding } from "../iam/policy";
import { queriedPage } from "../page-of";
import { checkPreconditions } from "./preconditions";
import type { Json } from "../state";
import { bucketName, existingBucket, requireStorage } from "./bucket-access";
import {
  checkName,
  complete,
  convenienceBindings,
  merged,
} from "./bucket-fields";

const SOFT_DELETE_SECONDS = "604800";

/** @see https://cloud.google.com/storage/docs/json_api/v1/buckets */
export const buckets: Handlers = {
  "storage.buckets.list": (call, cloud) => {
    requireStorage(cloud, call, "storage.buckets.list", "-");
    const prefix = call.query.get("prefix") ?? "";
    const all = Object.values(cloud.state.buckets).filter(({ name }) =>
      name.startsWith(prefix),
    );
    const { items, next } = queriedPage(all, call, 1000, [
      "maxResults",
      "pageToken",
    ]);
    return {
      kind: "storage#buckets",
      ...(items.length > 0 ? { items } : {}),
      ...next,
    };
  },

  "storage.buckets.insert": (call, cloud) => {
    requireStorage(cloud, call, "storage.buckets.create", "-");
    const { body } = call;
    checkName(body["name"]);
    if (cloud.state.buckets[body["name"]]) {
      throw new ApiError(
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
        { reason: "conflict" },
      );
    }
    const bucket: Json = {
      kind: "storage#bucket",
      id: body["name"],
      selfLink: `https://www.googleapis.com/storage/v1/b/${body["name"]}`,
      projectNumber: cloud.settings.projectNumber,
      generation: String(Date.now() * 1000),
      metageneration: "1",
      locationType: "region",
      storageClass: "STANDARD",
      etag: etag(),
      timeCreated: timestamp(),
      updated: timestamp(),
      softDeletePolicy: {
        retentionDurationSeconds: SOFT_DELETE_SECONDS,
        effectiveTime: timestamp(),
      },
      satisfiesPZI: true,
      ...body,
      location: String(body["location"] ?? "US").toUpperCase(),
    };
    complete(bucket);
    cloud.state.buckets[body["name"]] = bucket;
    cloud.access.create(
      bucketName(body["name"]),
      convenienceBindings(cloud.settings.project),
    );
    return bucket;
  },

  "storage.buckets.get": (call, cloud) => {
    const bucket = existingBucket(cloud, call.path["bucket"]!);
    requireStorage(cloud, call, "storage.buckets.get", bucket["name"]);
    checkPreconditions(call.query, bucket, { reads: true });
    return bucket;
  },

  "storage.buckets.patch": (call, cloud) => {
    const bucket = existingBucket(cloud, call.path["bucket"]!);
    requireStorage(cloud, call, "storage.buckets.update", bucket["name"]);
    checkPreconditions(call.query, bucket);
    for (const [name, value] of Object.entries(call.body)) {
      if (value === null) delete bucket[name];
      else
        bucket[name] = name === "labels" ? merged(bucket[name], value) : value;
    }
    complete(bucket);
    bucket["metageneration"] = String(Number(bucket["metageneration"]) + 1);
    bucket["updated"] = timestamp();
    bucket["etag"] = etag();
    return bucket;
  },

  "storage.buckets.delete": (call, cloud) => {
    const bucket = existingBucket(cloud, call.path["bucket"]!);
    const { name } = bucket;
    requireStorage(cloud, call, "storage.buckets.delete", name);
    checkPreconditions(call.query, bucket);
    if (cloud.objects.versions(name).length > 0) {
      throw new ApiError(409, "The bucket you tried to delete is not empty.", {
        reason: "conflict",
      });
    }
    delete cloud.state.buckets[name];
    cloud.objects.deleteBucket(name);
    cloud.access.delete(bucketName(name));
    return undefined;
  },

  "storage.buckets.getIamPolicy": (call, cloud) => {
    const { name } = existingBucket(cloud, call.path["bucket"]!);
    requireStorage(cloud, call, "storage.buckets.getIamPolicy", name);
    return policyJson(name, cloud.access.policy(bucketName(name)));
  },

  "storage.buckets.setIamPolicy": (call, cloud) => {
    const { name, iamConfiguration } = existingBucket(
      cloud,
      call.path["bucket"]!,
    );
    requireStorage(cloud, call, "storage.buckets.setIamPolicy", name);
    const members = (call.body["bindings"] ?? []).flatMap(
      (binding: Binding) => binding.members ?? [],
    );
    if (
      iamConfiguration.publicAccessPrevention === "enforced" &&
      members.some((member: string) =>
        /^all(Authenticated)?Users$/.test(member),
      )
    ) {
      throw new ApiError(
        412,
        "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.",
        { reason: "conditionNotMet" },
      );
    }
    return policyJson(
      name,
      cloud.access.setPolicy(bucketName(name), call.body),
    );
  },

  "storage.buckets.testIamPermissions": (call, cloud) => {
    const { name } = existingBucket(cloud, call.path["bucket"]!);
    const permissions = call.query
      .getAll("permissions")
      .filter((permission) =>
        cloud.access.allows(call.principal, permission, bucketName(name)),
      );
    return { kind: "storage#testIamPermissionsResponse", permissions };
  },

  "storage.anywhereCaches.list": (call, cloud) => {
    existingBucket(cloud, call.path["bucket"]!);
    return { kind: "storage#anywhereCaches" };
  },

  "storage.buckets.getStorageLayout": (call, cloud) => {
    const bucket = existingBucket(cloud, call.path["bucket"]!);
    return {
      kind: "storage#storageLayout",
      bucket: bucket["name"],
      location: bucket["location"],
      locationType: "region",
      hierarchicalNamespace: { enabled: false },
    };
  },
};

function policyJson(name: string, policy: object): Json {
  return {
    kind: "storage#policy",
    resourceId: bucketName(name),
    ...policy,
  };
}
