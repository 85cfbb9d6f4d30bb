import type { Call } from "../call";
import type { Cloud } from "../cloud";
import type { Json, StoredObject } from "../state";
import { requireStorage } from "./bucket-access";
import { checkPreconditions } from "./preconditions";

/** Stores what a call makes, if it may: replacing something takes the right to delete it. */
export async function storeObject(
  call: Call,
  cloud: Cloud,
  asked: {
    readonly bucket: string;
    readonly name: string;
    readonly file: string;
    readonly fields: Json;
    readonly md5?: boolean;
    readonly check?: (object: StoredObject) => void;
  },
): Promise<StoredObject> {
  const { bucket, name } = asked;
  requireStorage(cloud, call, "storage.objects.create", bucket, name);
  return cloud.objects.put({
    ...asked,
    check: (object) => {
      const present = cloud.objects.find(bucket, name);
      checkPreconditions(call.query, present);
      if (present) {
        requireStorage(cloud, call, "storage.objects.delete", bucket, name);
      }
      asked.check?.(object);
    },
  });
}

/** Fields that an owner sets; the rest is not for sending. */
export function ownFields(body: Json): Json {
  const {
    name: _name,
    bucket: _bucket,
    crc32c: _crc32c,
    md5Hash: _md5Hash,
    size: _size,
    generation: _generation,
    metageneration: _metageneration,
    id: _id,
    kind: _kind,
    selfLink: _selfLink,
    etag: _etag,
    timeCreated: _timeCreated,
    updated: _updated,
    ...fields
  } = body;
  return fields;
}
