import type { IncomingMessage } from "node:http";
import { ApiError } from "../api-error";
import type { Call } from "../call";
import type { Cloud } from "../cloud";
import type { Json, StoredObject } from "../state";
import { objectJson } from "./object-json";
import { ownFields, storeObject } from "./store-object";

/**
 * Makes an object of what has arrived.
 *
 * @throws ApiError if it is not what its sender says it is
 */
export async function stored(
  call: Call,
  cloud: Cloud,
  file: string,
  metadata: Json,
  request = call.request,
): Promise<Json> {
  const name = call.query.get("name") ?? metadata["name"];
  if (!name) {
    throw new ApiError(400, "Required", { reason: "required" });
  }
  const sums = { ...hashHeader(request), ...metadata };
  return objectJson(
    await storeObject(call, cloud, {
      bucket: call.path["bucket"]!,
      name,
      file,
      fields: ownFields(metadata),
      check: (object) => checkSums(object, sums),
    }),
  );
}

function checkSums(object: StoredObject, said: Json): void {
  for (const name of ["crc32c", "md5Hash"] as const) {
    if (said[name] && said[name] !== object[name]) {
      throw new ApiError(
        400,
        `Provided ${name === "crc32c" ? "CRC32C" : "MD5 hash"} "${said[name]}" doesn't match calculated ${name === "crc32c" ? "CRC32C" : "MD5 hash"} "${object[name]}".`,
        { reason: "invalid" },
      );
    }
  }
}

/** `x-goog-hash: crc32c=...,md5=...` */
function hashHeader({ headers }: IncomingMessage): Json {
  const header = String(headers["x-goog-hash"] ?? "");
  const crc32c = /crc32c=([^,]+)/.exec(header)?.[1];
  const md5Hash = /md5=([^,]+)/.exec(header)?.[1];
  return { ...(crc32c ? { crc32c } : {}), ...(md5Hash ? { md5Hash } : {}) };
}
