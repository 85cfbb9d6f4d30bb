import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";
import { progressOf, type TrainingProgress } from "./training-progress";

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
    const names = await this.list({
      prefix: `${this.model}/`,
      matchGlob: `${this.model}/*/_SUCCESS`,
    });
    return names.map((name) => name.split("/").at(-2) ?? name);
  }

  /** Where a run keeps what it needs to go on. */
  checkpoints(runId: string): string {
    return `gs://${this.bucket}/${this.folder(runId)}`;
  }

  /** The note that a run leaves before it gives up for good, if there is one. */
  async rejection(runId: string): Promise<unknown> {
    return this.read(`${this.folder(runId)}/_REJECTED`, { alt: "media" });
  }

  /** How far a run has come. */
  async progress(runId: string): Promise<TrainingProgress> {
    const prefix = `${this.folder(runId)}/`;
    const names = await this.list({ prefix });
    return progressOf(names.map((name) => name.slice(prefix.length)));
  }

  private folder(runId: string): string {
    return `checkpoints/${this.model}/${runId}`;
  }

  private async list(query: Record<string, string>): Promise<string[]> {
    const names: string[] = [];
    let pageToken: string | undefined;
    do {
      const page: { items?: { name: string }[]; nextPageToken?: string } =
        await this.session.client.request({
          service: "storage",
          path: `b/${this.bucket}/o`,
          query: {
            ...query,
            fields: "items/name,nextPageToken",
            ...(pageToken ? { pageToken } : {}),
          },
        });
      names.push(...(page.items ?? []).map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return names;
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
