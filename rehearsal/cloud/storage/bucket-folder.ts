import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Larger files, which hold a model's weights, take their place once. */
const COPIED = 4 << 20;

/** A bucket on disk: a file for each generation, and the live ones again under their names. */
export class BucketFolder {
  /** What a volume shows of the bucket. */
  readonly view: string;
  private readonly blobs: string;

  constructor(private readonly folder: string) {
    this.view = join(folder, "view");
    this.blobs = join(folder, "generations");
    mkdirSync(this.view, { recursive: true });
    mkdirSync(this.blobs, { recursive: true });
  }

  blob(generation: string): string {
    return join(this.blobs, generation);
  }

  /** Where an object shows; undefined for a name that is no path, such as `a/../b` or `a//b`. */
  path(name: string): string | undefined {
    const segments = name.replace(/\/$/, "").split("/");
    const isPath = segments.every(
      (segment) => !["", ".", ".."].includes(segment),
    );
    return isPath ? join(this.view, ...segments) : undefined;
  }

  show(name: string, generation: string): void {
    const path = this.path(name);
    if (path === undefined) {
      return;
    }
    if (name.endsWith("/")) {
      mkdirSync(path, { recursive: true });
      return;
    }
    try {
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      this.place(this.blob(generation), path);
    } catch (error) {
      // `a` and `a/b` may both be objects, but not both be files: Cloud Storage FUSE shows one too.
      if (!["ENOTDIR", "EEXIST", "ERR_FS_EISDIR"].includes(code(error))) {
        throw error;
      }
    }
  }

  /** Files that somebody may well write into are copies: a generation never changes. */
  private place(blob: string, path: string): void {
    const { size, atime, mtime } = statSync(blob);
    if (size > COPIED) return linkSync(blob, path);
    copyFileSync(blob, path, constants.COPYFILE_FICLONE);
    utimesSync(path, atime, mtime);
  }

  hide(name: string): void {
    const path = this.path(name);
    if (path === undefined || name.endsWith("/")) {
      return;
    }
    rmSync(path, { force: true });
    // A bucket has no folders: an empty one goes with its last object.
    for (
      let folder = dirname(path);
      folder !== this.view && existsSync(folder);
      folder = dirname(folder)
    ) {
      try {
        rmdirSync(folder);
      } catch {
        break;
      }
    }
  }

  delete(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function code(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
