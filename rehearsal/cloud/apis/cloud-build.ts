import { randomUUID } from "node:crypto";
import { ApiError } from "../api-error";
import { cancelBuild, runBuild } from "../build/run-build";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { queriedPage } from "../page-of";
import { requireActAs } from "../run/start-checks";
import type { Json } from "../state";
import { timestamp } from "../identifiers";
import { bucketName } from "../storage/bucket-access";

const UNFINISHED = ["QUEUED", "WORKING"];

/** @see https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.builds */
export const cloudBuild: Handlers = {
  "cloudbuild.projects.locations.builds.create": create,
  "cloudbuild.projects.builds.create": create,
  "cloudbuild.projects.locations.builds.list": list,
  "cloudbuild.projects.builds.list": list,
  "cloudbuild.projects.locations.builds.get": ({ path }, cloud) =>
    build(cloud, path["name"]!.split("/").at(-1)!),
  "cloudbuild.projects.builds.get": ({ path }, cloud) =>
    build(cloud, path["id"]!),

  "cloudbuild.projects.locations.builds.cancel": async ({ path }, cloud) => {
    const found = build(cloud, path["name"]!.split("/").at(-1)!);
    if (UNFINISHED.includes(found["status"])) await cancelBuild(found);
    return found;
  },
};

function create(call: Call, cloud: Cloud): Json {
  const { body, principal } = call;
  const location =
    /locations\/([^/]+)/.exec(call.path["parent"] ?? "")?.[1] ?? "global";
  const { project, projectNumber } = cloud.settings;
  const account = (body["serviceAccount"] ?? "").split("/").at(-1);
  const { logging, defaultLogsBucketBehavior } = body["options"] ?? {};
  if (!account) {
    throw new ApiError(
      400,
      "this local cloud builds with build.service_account only: new projects have no other account that may build",
    );
  }
  if (
    !body["logsBucket"] &&
    defaultLogsBucketBehavior !== "REGIONAL_USER_OWNED_BUCKET" &&
    !["CLOUD_LOGGING_ONLY", "NONE"].includes(logging)
  ) {
    throw new ApiError(
      400,
      "if 'build.service_account' is specified, the build must either (a) specify 'build.logs_bucket', (b) use the REGIONAL_USER_OWNED_BUCKET build.options.default_logs_bucket_behavior option, or (c) use either CLOUD_LOGGING_ONLY / NONE logging options",
    );
  }
  requireActAs(cloud, principal, account);
  const source = body["source"]?.storageSource;
  if (!source) {
    throw new ApiError(
      400,
      "this local cloud builds from source.storageSource only",
    );
  }
  requireSource(cloud, account, source);
  const fault = cloud.faults.take("build");
  if (fault === "quota" || fault === "capacity") {
    throw new ApiError(
      400,
      "failed precondition: due to quota restrictions, Cloud Build cannot run builds of this machine type in this region",
      { status: "FAILED_PRECONDITION" },
    );
  }
  const id = randomUUID();
  const made: Json = {
    ...body,
    // A build tells of each step how it went.
    steps: structuredClone(body["steps"]),
    id,
    name: `projects/${projectNumber}/locations/${location}/builds/${id}`,
    projectId: project,
    status: "QUEUED",
    createTime: timestamp(),
    timeout: body["timeout"] ?? "3600s",
    queueTtl: "3600s",
    logUrl: `https://console.cloud.google.com/cloud-build/builds;region=${location}/${id}?project=${projectNumber}`,
  };
  cloud.state.builds[id] = made;
  void runBuild(cloud, made, fault);
  return {
    name: `operations/build/${project}/${Buffer.from(id).toString("base64")}`,
    metadata: {
      "@type":
        "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata",
      build: structuredClone(made),
    },
  };
}

/** @throws ApiError as Cloud Build does when the build's account cannot read the source */
function requireSource(
  cloud: Cloud,
  account: string,
  { bucket, object, generation }: Json,
): void {
  const allowed = cloud.access.allows(
    `serviceAccount:${account}`,
    "storage.objects.get",
    bucketName(bucket),
    `${bucketName(bucket)}/objects/${object}`,
  );
  if (!allowed) {
    throw new ApiError(
      400,
      `could not resolve source: googleapi: Error 403: ${account} does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist)., forbidden`,
    );
  }
  if (
    !cloud.state.buckets[bucket] ||
    !cloud.objects.find(bucket, object, generation)
  ) {
    throw new ApiError(
      400,
      `could not resolve source: googleapi: Error 404: No such object: ${bucket}/${object}, notFound`,
    );
  }
}

/** The newest first. Of filters: `tags="T"`, `status="S"`, joined by AND. */
function list(call: Call, cloud: Cloud): Json {
  const { path, query } = call;
  const location =
    /locations\/([^/]+)/.exec(path["parent"] ?? "")?.[1] ?? "global";
  const filter = query.get("filter") ?? "";
  const conditions = filter === "" ? [] : filter.split(/\s+AND\s+/);
  const tests = conditions.map((condition) => {
    const match = /^(tags|status)\s*=\s*"?([^"]+)"?$/.exec(condition.trim());
    if (match === null) {
      throw new ApiError(400, `invalid list filter: ${filter}`);
    }
    const [, field, value = ""] = match;
    return ({ tags = [], status }: Json) =>
      field === "tags" ? tags.includes(value) : status === value;
  });
  const builds = Object.values(cloud.state.builds)
    .filter(
      (each) =>
        each["name"].includes(`/locations/${location}/`) &&
        tests.every((test) => test(each)),
    )
    .reverse();
  const { items, next } = queriedPage(builds, call, 1000);
  return { ...(items.length > 0 ? { builds: items } : {}), ...next };
}

function build({ state }: Cloud, id: string): Json {
  const found = state.builds[id];
  if (found === undefined) {
    throw new ApiError(404, "Requested entity was not found.");
  }
  return found;
}
