import type { Json, StoredObject } from "../state";

/** An object as the API shows it. @see https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function objectJson(object: StoredObject): Json {
  const { fields, bucket, name, generation, ...rest } = object;
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    selfLink: `https://www.googleapis.com/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`,
    bucket,
    name,
    generation,
    storageClass: "STANDARD",
    timeStorageClassUpdated: object.timeCreated,
    ...fields,
    ...rest,
  };
}

/** Headers that go with an object's bytes. */
export function objectHeaders(object: StoredObject): Record<string, string> {
  const md5 = object.md5Hash === undefined ? "" : `,md5=${object.md5Hash}`;
  return {
    "content-type": object.fields["contentType"] ?? "application/octet-stream",
    etag: object.etag,
    "accept-ranges": "bytes",
    "last-modified": new Date(object.updated).toUTCString(),
    "x-goog-generation": object.generation,
    "x-goog-metageneration": object.metageneration,
    "x-goog-hash": `crc32c=${object.crc32c}${md5}`,
    "x-goog-stored-content-length": object.size,
    "x-goog-stored-content-encoding": "identity",
    "x-goog-storage-class": "STANDARD",
  };
}
