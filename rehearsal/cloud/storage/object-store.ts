import { mkdirSync, rmSync, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { etag, nextNumber, timestamp } from "../identifiers";
import type { CloudState, Json, StoredObject } from "../state";
import { BucketFolder } from "./bucket-folder";
import { checksums } from "./checksums";

/** What is about to become an object. */
export interface NewObject {
  readonly bucket: string;
  readonly name: string;

  /** A file that is moved in. */
  readonly file: string;
  readonly fields: Json;

  /** Composite objects have no MD5. @default true */
  readonly md5?: boolean;

  /** Called with everything known, right before it takes its place: the last word on conditions. */
  readonly check?: (object: StoredObject) => void;
}

/** Objects of all buckets: their bytes in files, one per generation, and what is known of them. */
export class ObjectStore {
  private readonly folders = new Map<string, BucketFolder>();

  constructor(
    private readonly state: CloudState,
    private readonly folder: string,
  ) {}

  /** A file for bytes that arrive. */
  temporaryFile(): string {
    const folder = join(this.folder, ".arriving");
    mkdirSync(folder, { recursive: true });
    return join(folder, String(nextNumber()));
  }

  /** The bucket's live objects as files, for a volume. */
  bucketFolder(bucket: string): BucketFolder {
    const known =
      this.folders.get(bucket) ?? new BucketFolder(join(this.folder, bucket));
    this.folders.set(bucket, known);
    return known;
  }

  /** All versions in a bucket. */
  versions(bucket: string): StoredObject[] {
    return (this.state.objects[bucket] ??= []);
  }

  find(
    bucket: string,
    name: string,
    generation?: string | null,
  ): StoredObject | undefined {
    return this.versions(bucket).find(
      (object) =>
        object.name === name &&
        (generation
          ? object.generation === generation
          : object.timeDeleted === undefined),
    );
  }

  file({ bucket, generation }: StoredObject): string {
    return this.bucketFolder(bucket).blob(generation);
  }

  async put(asked: NewObject): Promise<StoredObject> {
    const { bucket, name, file, fields, md5 = true } = asked;
    const sums = await checksums(file);
    const now = timestamp();
    const object: StoredObject = {
      bucket,
      name,
      generation: String(nextNumber()),
      metageneration: "1",
      size: String(statSync(file).size),
      crc32c: sums.crc32c,
      ...(md5 ? { md5Hash: sums.md5Hash } : {}),
      timeCreated: now,
      updated: now,
      etag: etag(),
      fields,
    };
    try {
      asked.check?.(object);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
    // From here on nothing waits: two writers cannot both meet their conditions.
    const before = this.find(bucket, name);
    if (before) this.retire(before);
    this.versions(bucket).push(object);
    await rename(file, this.file(object));
    this.bucketFolder(bucket).show(name, object.generation);
    return object;
  }

  /** Takes a live object away: kept as noncurrent where the bucket has versioning. */
  deleteLive(object: StoredObject): void {
    this.bucketFolder(object.bucket).hide(object.name);
    this.retire(object);
  }

  /** Removes one version for good. */
  deleteVersion(object: StoredObject): void {
    if (object.timeDeleted === undefined) {
      this.bucketFolder(object.bucket).hide(object.name);
    }
    const versions = this.versions(object.bucket);
    versions.splice(versions.indexOf(object), 1);
    rmSync(this.file(object), { force: true });
  }

  deleteBucket(bucket: string): void {
    delete this.state.objects[bucket];
    this.bucketFolder(bucket).delete();
    this.folders.delete(bucket);
  }

  private retire(object: StoredObject): void {
    if (this.state.buckets[object.bucket]?.["versioning"]?.enabled) {
      object.timeDeleted = timestamp();
    } else {
      this.deleteVersion(object);
    }
  }
}
