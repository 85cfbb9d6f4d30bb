import { GoogleApiError } from "../provision/google-api-error";
import type { GoogleClient } from "../provision/google-client";

/** What a bucket of models holds. */
export interface ModelCount {
  /** Objects, counting each noncurrent version. */
  readonly objects: number;
  readonly bytes: number;
  /** Published versions, as MODEL/RUN_ID. */
  readonly versions: readonly string[];
}

interface StoredObject {
  readonly name: string;
  readonly generation: string;
  readonly size?: string;
}

const PARALLEL = 16;

/** Counts what `deleteModels` would delete. */
export async function countModels(
  bucket: string,
  google: GoogleClient,
): Promise<ModelCount> {
  const objects: StoredObject[] = [];
  for await (const page of pages(bucket, google)) {
    objects.push(...page);
  }
  const published = objects.map(
    ({ name }) => /^(.+)\/_SUCCESS$/.exec(name)?.[1],
  );
  return {
    objects: objects.length,
    bytes: objects.reduce((sum, { size }) => sum + Number(size ?? 0), 0),
    versions: [
      ...new Set(published.filter((version) => version !== undefined)),
    ].sort(),
  };
}

/**
 * Deletes a bucket with everything in it. Each generation by its number, since
 * a versioned bucket keeps what is deleted by name alone, and is then still
 * "not empty". What another run deleted meanwhile counts as deleted.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/objects/delete
 */
export async function deleteModels(
  bucket: string,
  google: GoogleClient,
  progress: (text: string) => void,
): Promise<void> {
  let deleted = 0;
  for await (const page of pages(bucket, google)) {
    const queue = [...page];
    const worker = async () => {
      for (let object = queue.pop(); object; object = queue.pop()) {
        await deleteQuietly(
          google,
          `b/${bucket}/o/${encodeURIComponent(object.name)}`,
          object.generation,
        );
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    deleted += page.length;
    progress(`Deleted ${deleted} objects of gs://${bucket}.`);
  }
  await deleteQuietly(google, `b/${bucket}`);
}

async function* pages(
  bucket: string,
  google: GoogleClient,
): AsyncGenerator<StoredObject[]> {
  for (let pageToken: string | undefined = ""; pageToken !== undefined; ) {
    const page: { items?: StoredObject[]; nextPageToken?: string } =
      await google.request({
        service: "storage",
        path: `b/${bucket}/o`,
        query: {
          versions: "true",
          fields: "nextPageToken,items(name,generation,size)",
          ...(pageToken ? { pageToken } : {}),
        },
      });
    if (page.items?.length) {
      yield page.items;
    }
    pageToken = page.nextPageToken;
  }
}

async function deleteQuietly(
  google: GoogleClient,
  path: string,
  generation?: string,
): Promise<void> {
  try {
    await google.request({
      service: "storage",
      method: "DELETE",
      path,
      ...(generation ? { query: { generation } } : {}),
    });
  } catch (error) {
    if (!(error instanceof GoogleApiError && error.status === 404)) {
      throw error;
    }
  }
}
