import dockerignore from "@balena/dockerignore";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One file of a Docker build context. */
export interface SourceFile {
  /** Path below the context, with `/` on every system. */
  readonly name: string;

  /**
   * Whether its owner may execute it. The other mode bits depend on the umask
   * of whoever checked the files out, so they are not part of the source.
   */
  readonly executable: boolean;

  /** The content. */
  readonly bytes: Buffer;
}

/**
 * Files of a Docker context that its `.dockerignore` lets in, sorted by name.
 * The Dockerfile always belongs to them, as for `docker build`.
 *
 * @throws if the context has no Dockerfile or no `.dockerignore`, or holds
 * something that is neither file nor folder.
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function sourceFiles(context: string): SourceFile[] {
  const names = readdirSync(context, { withFileTypes: true }).map(
    (entry) => entry.name,
  );
  for (const required of ["Dockerfile", ".dockerignore"]) {
    if (!names.includes(required)) {
      throw new Error(
        `a Docker context needs a ${required}, and '${context}' has none`,
      );
    }
  }
  const ignored = dockerignore().add(
    readFileSync(join(context, ".dockerignore"), "utf8"),
  );
  return walk(context, "")
    .filter((name) => name === "Dockerfile" || !ignored.ignores(name))
    .sort()
    .map((name) => read(context, name));
}

/**
 * Hash of a Docker context: 16 hex digits over names, executable bits and bytes
 * of its {@link sourceFiles}. Serves as the image's tag, so that Terraform sees
 * a changed source as a changed image and an unchanged one as nothing to do.
 */
export function sourceHash(context: string): string {
  const hash = createHash("sha256");
  for (const { name, executable, bytes } of sourceFiles(context)) {
    // Lengths keep bytes from wandering over the border between two files.
    hash.update(`${name}\0${executable ? "x" : "-"}\0${bytes.length}\0`);
    hash.update(bytes);
  }
  return hash.digest("hex").slice(0, 16);
}

function walk(context: string, folder: string): string[] {
  return readdirSync(join(context, folder), { withFileTypes: true }).flatMap(
    (entry) => {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(context, name) : [name];
    },
  );
}

function read(context: string, name: string): SourceFile {
  const path = join(context, name);
  // A link would be hashed as its target here and sent as a link by the upload.
  const stat = lstatSync(path);
  if (!stat.isFile()) {
    throw new Error(
      `'${path}' is not a plain file: leave it out in .dockerignore or replace it`,
    );
  }
  return {
    name,
    executable: (stat.mode & 0o100) !== 0,
    bytes: readFileSync(path),
  };
}
