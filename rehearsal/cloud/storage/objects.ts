import { copyFile, open } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, timestamp } from "../identifiers";
import type { Json, StoredObject } from "../state";
import {
  existingBucket,
  existingObject,
  requireStorage,
} from "./bucket-access";
import { mediaAnswer } from "./media-answer";
import { objectJson } from "./object-json";
import { listObjects } from "./list-objects";
import { checkPreconditions } from "./preconditions";
import { ownFields, storeObject } from "./store-object";
import { insertObject } from "./uploads";

/** @see https://cloud.google.com/storage/docs/json_api/v1/objects */
export const objects: Handlers = {
  "storage.objects.list": (call, cloud) => {
    const { name } = existingBucket(cloud, call.path["bucket"]!);
    requireStorage(cloud, call, "storage.objects.list", name);
    return listObjects(cloud.objects.versions(name), call.query);
  },

  "storage.objects.insert": insertObject,

  "storage.objects.get": (call, cloud) => {
    const object = asked(call, cloud, "storage.objects.get");
    checkPreconditions(call.query, object, { reads: true });
    return call.query.get("alt") === "media"
      ? mediaAnswer(cloud, object, call.request)
      : objectJson(object);
  },

  "storage.objects.patch": (call, cloud) => update(call, cloud, call.body),
  "storage.objects.update": (call, cloud) => update(call, cloud, call.body),

  "storage.objects.delete": (call, cloud) => {
    const object = asked(call, cloud, "storage.objects.delete");
    checkPreconditions(call.query, object);
    if (call.query.has("generation")) cloud.objects.deleteVersion(object);
    else cloud.objects.deleteLive(object);
    return undefined;
  },

  "storage.objects.rewrite": async (call, cloud) => {
    const resource = await copied(call, cloud);
    return {
      kind: "storage#rewriteResponse",
      totalBytesRewritten: resource["size"],
      objectSize: resource["size"],
      done: true,
      resource,
    };
  },

  "storage.objects.copy": copied,

  "storage.objects.compose": async (call, cloud) => {
    const bucket = call.path["destinationBucket"]!;
    const name = call.path["destinationObject"]!;
    const sources: Json[] = call.body["sourceObjects"] ?? [];
    if (sources.length > 32) {
      throw new ApiError(
        400,
        "The number of source components provided exceeds the maximum allowed: 32",
        { reason: "invalid" },
      );
    }
    const file = cloud.objects.temporaryFile();
    const target = await open(file, "w");
    for (const source of sources) {
      requireStorage(
        cloud,
        call,
        "storage.objects.get",
        bucket,
        source["name"],
      );
      const part = existingObject(
        cloud,
        bucket,
        source["name"],
        source["generation"],
      );
      const wanted = source["objectPreconditions"]?.ifGenerationMatch;
      if (wanted !== undefined && wanted !== part.generation) {
        await target.close();
        throw new ApiError(
          412,
          "At least one of the pre-conditions you specified did not hold.",
          { reason: "conditionNotMet" },
        );
      }
      for await (const chunk of createReadStream(cloud.objects.file(part))) {
        await target.write(chunk as Buffer);
      }
    }
    await target.close();
    const fields = {
      componentCount: sources.length,
      ...ownFields(call.body["destination"] ?? {}),
    };
    return objectJson(
      await storeObject(call, cloud, {
        bucket,
        name,
        file,
        fields,
        md5: false,
      }),
    );
  },
};

function asked(call: Call, cloud: Cloud, permission: string): StoredObject {
  const { bucket = "", object = "" } = call.path;
  existingBucket(cloud, bucket);
  requireStorage(cloud, call, permission, bucket, object);
  return existingObject(cloud, bucket, object, call.query.get("generation"));
}

function update(call: Call, cloud: Cloud, body: Json): Json {
  const object = asked(call, cloud, "storage.objects.update");
  checkPreconditions(call.query, object);
  const fields = { ...object.fields, ...ownFields(body) };
  object.fields = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null),
  );
  object.metageneration = String(Number(object.metageneration) + 1);
  object.updated = timestamp();
  object.etag = etag();
  return objectJson(object);
}

async function copied(call: Call, cloud: Cloud): Promise<Json> {
  const { sourceBucket = "", sourceObject = "" } = call.path;
  const { destinationBucket: bucket = "", destinationObject: name = "" } =
    call.path;
  existingBucket(cloud, bucket);
  requireStorage(
    cloud,
    call,
    "storage.objects.get",
    sourceBucket,
    sourceObject,
  );
  const source = existingObject(
    cloud,
    sourceBucket,
    sourceObject,
    call.query.get("sourceGeneration"),
  );
  checkPreconditions(call.query, source, { source: true });
  const file = cloud.objects.temporaryFile();
  await copyFile(cloud.objects.file(source), file);
  const fields = { ...source.fields, ...ownFields(call.body) };
  return objectJson(
    await storeObject(call, cloud, { bucket, name, file, fields }),
  );
}
