import { createHash } from "node:crypto";
import { type SourceFile } from "../constructs/source-hash";
import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";
import { sourceArchive } from "./source-archive";

/** An archive in Cloud Storage, fixed by its generation. */
export interface StoredSource {
  readonly bucket: string;
  readonly object: string;
  readonly generation: string;
}

interface StorageObject {
  readonly generation: string;
  readonly md5Hash: string;
}

/**
 * Uploads a Docker context, or finds it uploaded already. Never replaces an
 * object: a build that waits in the queue may be about to read it.
 *
 * @param name - of the object, without its ending.
 */
export async function uploadSource(
  session: Session,
  bucket: string,
  name: string,
  files: readonly SourceFile[],
): Promise<StoredSource> {
  const archive = sourceArchive(files);
  const digest = createHash("md5").update(archive);
  const md5Hash = digest.copy().digest("base64");
  // Another zlib may have packed the same files into other bytes: then the
  // archive gets a name of its own.
  for (const object of [`${name}.tgz`, `${name}-${digest.digest("hex")}.tgz`]) {
    const stored =
      (await create(session, bucket, object, archive)) ??
      (await session.client.request<StorageObject>({
        service: "storage",
        path: `b/${bucket}/o/${encodeURIComponent(object)}`,
      }));
    if (stored.md5Hash === md5Hash) {
      const { generation } = stored;
      session.progress.line(
        `source: ${files.length} files, ${Math.ceil(archive.length / 1024)} KiB, gs://${bucket}/${object}#${generation}`,
      );
      return { bucket, object, generation };
    }
  }
  throw new Error(
    `gs://${bucket}/${name}-*.tgz holds something else than its name says: delete it and deploy again`,
  );
}

/** @returns undefined if there is such an object already. */
async function create(
  { client }: Session,
  bucket: string,
  object: string,
  bytes: Buffer,
): Promise<StorageObject | undefined> {
  try {
    return await client.request<StorageObject>({
      service: "storage",
      path: `b/${bucket}/o`,
      method: "POST",
      query: { name: object, uploadType: "media", ifGenerationMatch: "0" },
      media: { type: "application/gzip", bytes },
      timeoutSeconds: 300,
      // Harmless to repeat: a second upload finds the first and ends in 412.
      retry: { idempotent: true, also: (error) => error.maybeTooEarly },
    });
  } catch (error) {
    if (error instanceof GoogleApiError && error.status === 412)
      return undefined;
    if (error instanceof GoogleApiError && error.storageFull) {
      throw new Error(
        `gs://${bucket} takes no more (${error.message}). What to do: delete what nobody needs from it or have its quota raised, and deploy again`,
      );
    }
    throw error;
  }
}
