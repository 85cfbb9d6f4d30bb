import type { cloudbuild_v1 } from "@googleapis/cloudbuild";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";

export type Build = cloudbuild_v1.Schema$Build & { readonly id: string };

/** Seconds for which a new service account or grant is waited for. */
const NEW_GRANT_SECONDS = 480;

/** Seconds for which a project that only just got Cloud Build may say 403 or 404. */
const NEW_PROJECT_SECONDS = 120;

/** Builds of one project, in a region or in `global`. */
export class CloudBuild {
  constructor(
    private readonly session: Session,
    private readonly projectId: string,
    readonly location: string,
    private readonly pollSeconds: number,
  ) {}

  async get(id: string): Promise<Build> {
    return this.session.client.request<Build>({
      service: "cloudbuild",
      path: `${this.parent}/${id}`,
      // A laptop that was asleep or offline should not lose the build.
      retry: { deadlineSeconds: 1800 },
    });
  }

  /** A build with this tag that is queued or working. */
  async unfinished(tag: string): Promise<Build | undefined> {
    const builds = await this.withTag(tag);
    return builds.find(({ status }) =>
      ["PENDING", "QUEUED", "WORKING"].includes(status ?? ""),
    );
  }

  /**
   * Starts a build, once: when the answer gets lost, looks for the build before
   * asking again. Waits while the service account or its grants are too new.
   *
   * @throws GoogleApiError when it is refused for good.
   */
  async create(build: cloudbuild_v1.Schema$Build): Promise<Build> {
    const attempt = `attempt-${randomUUID()}`;
    const isNew = Date.now() + NEW_PROJECT_SECONDS * 1000;
    const body = { ...build, tags: [...(build.tags ?? []), attempt] };
    for (let tries = 1; ; tries++) {
      try {
        const operation = await this.session.client.request<{
          metadata: { build: Build };
        }>({
          service: "cloudbuild",
          path: this.parent,
          method: "POST",
          body,
          retry: {
            also: (error) =>
              tooNew(error) || (error.maybeTooEarly && Date.now() < isNew),
            deadlineSeconds: NEW_GRANT_SECONDS,
          },
        });
        return operation.metadata.build;
      } catch (error) {
        if (!(error instanceof GoogleApiError) || !mayHaveStarted(error)) {
          throw error;
        }
        this.session.progress.line(
          `no clear answer to the start of the build (${error.message}): looking whether it started`,
        );
        const started = await this.startedAs(attempt);
        if (started) return started;
        if (tries === 3) throw error;
      }
    }
  }

  private async startedAs(attempt: string): Promise<Build | undefined> {
    for (let looks = 0; looks < 6; looks++) {
      const [build] = await this.withTag(attempt);
      if (build) return build;
      await sleep(this.pollSeconds * 1000);
    }
    return undefined;
  }

  /** Builds with a tag, the newest first. */
  private async withTag(tag: string): Promise<Build[]> {
    const { builds } = await this.session.client.request<{ builds?: Build[] }>({
      service: "cloudbuild",
      path: this.parent,
      query: { filter: `tags="${tag}"`, pageSize: "20" },
      retry: {
        also: (error) => error.maybeTooEarly,
        deadlineSeconds: NEW_PROJECT_SECONDS,
      },
    });
    return builds ?? [];
  }

  private get parent(): string {
    return `projects/${this.projectId}/locations/${this.location}/builds`;
  }
}

/**
 * Whether a region refuses builds, or builds on this machine, where `global`
 * may take them. Only the texts that Cloud Build has for restricted projects:
 * any other refusal would be the same there.
 *
 * @see https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects
 */
export function regionRefuses(error: unknown): boolean {
  return (
    error instanceof GoogleApiError &&
    error.status === 400 &&
    /due to quota restrictions, (Cloud Build )?cannot run builds|no concurrent builds quota available/i.test(
      error.message,
    )
  );
}

/** Refusals that end when a new account, grant or API has got around. */
function tooNew(error: GoogleApiError): boolean {
  if (error.serviceDisabled) return true;
  return (
    [400, 403, 404].includes(error.status ?? 0) &&
    /service ?account.*(does not exist|not found)|act as service account|iam\.serviceAccounts\.actAs|could not resolve source.*40[34]/i.test(
      error.message,
    )
  );
}

function mayHaveStarted({ status }: GoogleApiError): boolean {
  return status === undefined || status === 408 || status >= 500;
}
