import type { run_v2 } from "@googleapis/run";
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";

export type Execution = run_v2.Schema$GoogleCloudRunV2Execution & {
  readonly name: string;
};
export type Task = run_v2.Schema$GoogleCloudRunV2Task;

/** The label by which an execution says which run it is. */
export const RUN_LABEL = "run-id";

/** Seconds for which a job, or the right to start it, may be too new. */
const NEW_JOB_SECONDS = 300;

/** Executions of one Cloud Run job. */
export class Executions {
  /** @param job - `projects/P/locations/R/jobs/J`. */
  constructor(
    private readonly session: Session,
    private readonly job: string,
    private readonly pollSeconds: number,
  ) {}

  /** @throws if it was deleted, which ends it. */
  async get(name: string): Promise<Execution> {
    try {
      return await this.session.client.request<Execution>({
        service: "run",
        path: name,
        // A laptop that was asleep or offline should not lose the training.
        retry: { deadlineSeconds: 1800 },
      });
    } catch (error) {
      if (!(error instanceof GoogleApiError) || error.status !== 404) {
        throw error;
      }
      throw new Error(
        `somebody deleted execution ${name}. What to do: deploy again`,
      );
    }
  }

  async tasks(name: string): Promise<Task[]> {
    const { tasks } = await this.session.client.request<{ tasks?: Task[] }>({
      service: "run",
      path: `${name}/tasks`,
    });
    return tasks ?? [];
  }

  /** An execution of this run that has not ended. */
  async unfinished(runId: string): Promise<Execution | undefined> {
    const executions = await this.ofRun(runId);
    return executions.find((execution) => !hasEnded(execution));
  }

  /**
   * Starts the job as it stands, once: when the answer gets lost, looks for the
   * execution before asking again.
   *
   * @throws if the job is not set up for this run, or GoogleApiError if Cloud
   * Run refuses.
   */
  async start(runId: string): Promise<Execution> {
    await this.requireLabel(runId);
    const known = new Set((await this.ofRun(runId)).map(({ name }) => name));
    for (let tries = 1; ; tries++) {
      try {
        const { metadata } = await this.session.client.request<{
          metadata: Execution;
        }>({
          service: "run",
          path: `${this.job}:run`,
          method: "POST",
          // No overrides: they take another permission.
          body: {},
          retry: {
            also: (error) => error.maybeTooEarly,
            deadlineSeconds: NEW_JOB_SECONDS,
          },
        });
        return metadata;
      } catch (error) {
        if (!(error instanceof GoogleApiError) || !mayHaveStarted(error)) {
          throw error;
        }
        this.session.progress.line(
          `no clear answer to the start (${error.message}): looking whether it started`,
        );
        const started = await this.newcomer(runId, known);
        if (started) return started;
        if (tries === 3) throw error;
      }
    }
  }

  private async newcomer(
    runId: string,
    known: ReadonlySet<string>,
  ): Promise<Execution | undefined> {
    for (let looks = 0; looks < 6; looks++) {
      const executions = await this.ofRun(runId);
      const started = executions.find(({ name }) => !known.has(name));
      if (started) return started;
      await sleep(this.pollSeconds * 1000);
    }
    return undefined;
  }

  /** All executions of a run, the newest first. */
  private async ofRun(runId: string): Promise<Execution[]> {
    const { executions } = await this.session.client.request<{
      executions?: Execution[];
    }>({
      service: "run",
      path: `${this.job}/executions`,
      // The newest come first, and one that runs is not hundreds back.
      query: { pageSize: "100" },
      retry: {
        also: (error) => error.maybeTooEarly,
        deadlineSeconds: NEW_JOB_SECONDS,
      },
    });
    return (executions ?? []).filter(
      ({ labels }) => labels?.[RUN_LABEL] === runId,
    );
  }

  /** Plain environment of the job's container, by name. */
  async environment(): Promise<Record<string, string>> {
    const { template } = await this.readJob();
    return Object.fromEntries(
      (template?.template?.containers?.[0]?.env ?? [])
        .filter(({ valueSource }) => !valueSource)
        .map(({ name, value }) => [name ?? "", value ?? ""]),
    );
  }

  private async requireLabel(runId: string): Promise<void> {
    const { template } = await this.readJob();
    const label = template?.labels?.[RUN_LABEL];
    if (label !== runId) {
      throw new Error(
        `the job is set up for run ${label ?? "(none)"}, not for ${runId}: somebody changed it since; deploy again, which sets it up first`,
      );
    }
  }

  private async readJob(): Promise<run_v2.Schema$GoogleCloudRunV2Job> {
    return this.session.client.request({
      service: "run",
      path: this.job,
      retry: {
        also: (error) => error.maybeTooEarly,
        deadlineSeconds: NEW_JOB_SECONDS,
      },
    });
  }
}

/** Whether an execution has come to an end, good or bad. */
export function hasEnded({ completionTime, conditions }: Execution): boolean {
  const completed = conditions?.find(({ type }) => type === "Completed");
  return (
    Boolean(completionTime) ||
    ["CONDITION_SUCCEEDED", "CONDITION_FAILED"].includes(completed?.state ?? "")
  );
}

/** What an execution is doing, in a few words. */
export function stateOf(execution: Execution): string {
  const retried = execution.retriedCount
    ? `, retried ${execution.retriedCount}`
    : "";
  if (execution.runningCount) return `running${retried}`;
  const reason = execution.conditions?.find(
    ({ state, message }) => state !== "CONDITION_SUCCEEDED" && message,
  )?.message;
  return `pending${retried}${reason ? `: ${reason}` : ""}`;
}

function mayHaveStarted({ status }: GoogleApiError): boolean {
  return status === undefined || status === 408 || status >= 500;
}
