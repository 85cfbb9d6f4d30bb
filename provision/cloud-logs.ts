import type { logging_v2 } from "@googleapis/logging";
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleApiError } from "./google-api-error";
import { printable } from "./progress";
import { type Session } from "./provisioner";

/** Entries may arrive this much later than others with a younger timestamp. */
const LATE_SECONDS = 60;

/** Lines kept for finding out what failed. */
const KEPT_LINES = 500;

/**
 * Follows log entries of Cloud Logging. One poll is one read request unless
 * there is more than a page, and a project has 60 a minute for all its readers,
 * so polling every 5 s leaves room for the other steps of the same deploy.
 *
 * @see https://cloud.google.com/logging/quotas#api-limits
 */
export class CloudLogs {
  private readonly seen = new Set<string>();
  private readonly kept: string[] = [];
  private readable = true;
  private since: number;
  private overlap = LATE_SECONDS;

  /**
   * @param filter - in Logging's query language, without a time.
   * @param since - where to begin.
   */
  constructor(
    private readonly session: Session,
    private readonly projectId: string,
    private readonly filter: string,
    since: Date,
  ) {
    this.since = since.getTime();
  }

  /** The latest lines, oldest first. */
  get lines(): readonly string[] {
    return this.kept;
  }

  /** Prints what is new, and returns how many entries that was. */
  async poll(): Promise<number> {
    let count = 0;
    let pageToken: string | undefined;
    // A page's token is only good for the very same filter.
    const from = new Date(this.since - this.overlap * 1000).toISOString();
    // What five pages cannot hold waits for the next poll.
    for (let page = 0; page < 5 && this.readable; page++) {
      const answer = await this.read(from, pageToken);
      for (const entry of answer.entries ?? []) count += this.take(entry);
      pageToken = answer.nextPageToken ?? undefined;
      if (pageToken === undefined) break;
    }
    // Going back again would never get past a minute with more than five pages.
    this.overlap = pageToken === undefined ? LATE_SECONDS : 0;
    return count;
  }

  /** Prints what still arrives after the end: the last lines are the telling ones. */
  async drain(pollSeconds: number): Promise<void> {
    for (let silent = 0, polls = 0; silent < 2 && polls < 12; polls++) {
      silent = (await this.poll()) > 0 ? 0 : silent + 1;
      await sleep(pollSeconds * 1000);
    }
  }

  private take(entry: logging_v2.Schema$LogEntry): number {
    const id = entry.insertId ?? JSON.stringify(entry);
    if (this.seen.has(id)) return 0;
    this.seen.add(id);
    this.since = Math.max(this.since, Date.parse(entry.timestamp ?? "") || 0);
    const message: unknown =
      entry.textPayload ??
      entry.jsonPayload?.["message"] ??
      entry.protoPayload?.["status"]?.message;
    if (typeof message === "string") {
      this.kept.push(...printable(message));
      this.kept.splice(0, this.kept.length - KEPT_LINES);
      this.session.progress.line(message);
    }
    return 1;
  }

  private async read(
    from: string,
    pageToken: string | undefined,
  ): Promise<logging_v2.Schema$ListLogEntriesResponse> {
    try {
      return await this.session.client.request({
        service: "logging",
        path: "entries:list",
        method: "POST",
        body: {
          resourceNames: [`projects/${this.projectId}`],
          filter: `${this.filter} AND timestamp>="${from}"`,
          orderBy: "timestamp asc",
          pageSize: 1000,
          ...(pageToken ? { pageToken } : {}),
        } satisfies logging_v2.Schema$ListLogEntriesRequest,
        // The next poll is the next try: repeating would use up the quota.
        retry: { deadlineSeconds: 0 },
      });
    } catch (error) {
      if (!(error instanceof GoogleApiError)) throw error;
      // The log is a courtesy: the work goes on without it.
      if (error.status === 403 && !error.serviceDisabled) {
        this.readable = false;
        this.session.progress.line(
          `the log cannot be shown here (${error.message}): that takes roles/logging.viewer`,
        );
      }
      return {};
    }
  }
}
