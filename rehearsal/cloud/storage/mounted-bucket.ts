import { existsSync, readdirSync, statSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Cloud } from "../cloud";
import type { StoredObject } from "../state";
import { requireStorage } from "./bucket-access";

/** A bucket that a container has as a folder. */
export class MountedBucket {
  /** Generations that it could see, and could delete. */
  private readonly seen: ReadonlySet<string>;

  constructor(
    private readonly cloud: Cloud,
    private readonly bucket: string,

    /** Whose rights count. */
    private readonly principal: string,
    private readonly readOnly: boolean,
  ) {
    const folder = cloud.objects.bucketFolder(bucket);
    this.seen = new Set(
      this.live()
        .filter(({ name }) => isFile(folder.path(name)))
        .map(({ generation }) => generation),
    );
  }

  /**
   * Makes objects of what was written, and deletes what was deleted, as far as the account may. Cloud
   * Storage FUSE does so when a file is closed; here it is when the container has ended.
   *
   * @returns what was refused, a line each
   * @see https://cloud.google.com/run/docs/configuring/jobs/cloud-storage-volume-mounts
   */
  async takeChanges(): Promise<string[]> {
    const { bucket } = this;
    const { objects, state } = this.cloud;
    if (!state.buckets[bucket]) return [];
    const folder = objects.bucketFolder(bucket);
    const refused: string[] = [];
    for (const [name, file] of filesOf(folder.view)) {
      const live = objects.find(bucket, name);
      if (live && this.isSame(file, live)) continue;
      const needed = ["create", ...(live ? ["delete"] : [])];
      await this.attempt(name, needed, refused, async () => {
        const arriving = objects.temporaryFile();
        await copyFile(file, arriving);
        await objects.put({ bucket, name, file: arriving, fields: {} });
      });
    }
    for (const live of this.live()) {
      const { name, generation } = live;
      if (this.seen.has(generation) && !existsSync(folder.path(name)!)) {
        await this.attempt(name, ["delete"], refused, () =>
          objects.deleteLive(live),
        );
      }
    }
    return refused;
  }

  private live(): StoredObject[] {
    return this.cloud.objects
      .versions(this.bucket)
      .filter(({ timeDeleted }) => timeDeleted === undefined);
  }

  private async attempt(
    name: string,
    rights: readonly string[],
    refused: string[],
    change: () => Promise<void> | void,
  ): Promise<void> {
    const { cloud, bucket, principal } = this;
    const live = cloud.objects.find(bucket, name);
    try {
      if (this.readOnly) throw new Error(`${name}: Read-only file system`);
      for (const right of rights) {
        const permission = `storage.objects.${right}`;
        requireStorage(cloud, { principal }, permission, bucket, name);
      }
      await change();
    } catch (error) {
      refused.push((error as Error).message);
      // As if it had never been written.
      const folder = cloud.objects.bucketFolder(bucket);
      folder.hide(name);
      if (live) folder.show(name, live.generation);
    }
  }

  /** Whether a file is as it was put there: the object's own or its copy, and not written since. */
  private isSame(file: string, live: StoredObject): boolean {
    const blob = this.cloud.objects.file(live);
    // On its way to its place.
    if (!existsSync(blob)) return true;
    const { ino, size, mtimeMs } = statSync(file);
    const own = statSync(blob);
    return (
      String(size) === live.size &&
      (ino === own.ino
        ? mtimeMs <= Date.parse(live.updated) + 1
        : Math.abs(mtimeMs - own.mtimeMs) < 2)
    );
  }
}

function filesOf(view: string): [name: string, file: string][] {
  return readdirSync(view, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath ?? entry.path, entry.name);
      return [relative(view, file).split(sep).join("/"), file];
    });
}

function isFile(path: string | undefined): boolean {
  return path !== undefined && existsSync(path) && statSync(path).isFile();
}
