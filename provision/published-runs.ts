import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";

/** The runs of one model in the models' bucket. */
export class PublishedRuns {
  constructor(
    private readonly session: Session,
    private readonly bucket: string,
    private readonly model: string,
  ) {}

  /** Whether the run's version directory is complete: `_SUCCESS` comes last. */
  async has(runId: string): Promise<boolean> {
    return (
      (await this.read(`${this.model}/${runId}/_SUCCESS`, {
        fields: "name",
      })) !== undefined
    );
  }

  /** Ids of all published runs. */
  async ids(): Promise<string[]> {
    const ids: string[] = [];
    let pageToken: string | undefined;
    do {
      const page: { items?: { name: string }[]; nextPageToken?: string } =
        await this.session.client.request({
          service: "storage",
          path: `b/${this.bucket}/o`,
          query: {
            prefix: `${this.model}/`,
            matchGlob: `${this.model}/*/_SUCCESS`,
            fields: "items/name,nextPageToken",
            ...(pageToken ? { pageToken } : {}),
          },
        });
      for (const { name } of page.items ?? []) {
        ids.push(name.split("/").at(-2) ?? name);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return ids;
  }

  /** The note that a run leaves before it gives up for good, if there is one. */
  async verdict(runId: string): Promise<unknown> {
    return this.read(`checkpoints/${this.model}/${runId}/verdict.json`, {
      alt: "media",
    });
  }

  private async read(
    object: string,
    query: Record<string, string>,
  ): Promise<unknown> {
    try {
      return await this.session.client.request<unknown>({
        service: "storage",
        path: `b/${this.bucket}/o/${encodeURIComponent(object)}`,
        query,
        retry: { also: (error) => error.status === 403 },
      });
    } catch (error) {
      if (error instanceof GoogleApiError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }
}
