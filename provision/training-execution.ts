import { setTimeout as sleep } from "node:timers/promises";
import { CloudLogs } from "./cloud-logs";
import { type Execution, Executions, hasEnded, stateOf } from "./executions";
import { GoogleApiError } from "./google-api-error";
import { duration } from "./progress";
import { type Session } from "./provisioner";
import { type RunEnd, runFailure } from "./run-failure";
import {
  executionSeconds,
  mostExecutions,
  type TrainingInputs,
} from "./training-inputs";

/** Seconds that an execution may wait for a GPU before this gives up waiting. */
const QUEUE_SECONDS = 6 * 3600;

/** How an execution ended that was waited for. */
export interface ExecutionEnd {
  readonly name: string;
  readonly succeeded: boolean;
  readonly logUri: string;

  /** What is known about why it failed. */
  readonly why: RunEnd;
}

/** Executions of the job that trains one run. */
export class TrainingExecutions {
  private readonly executions: Executions;

  constructor(
    private readonly session: Session,
    private readonly inputs: TrainingInputs,
  ) {
    const { PROJECT_ID, REGION, JOB_NAME, POLL_SECONDS } = inputs;
    const job = `projects/${PROJECT_ID}/locations/${REGION}/jobs/${JOB_NAME}`;
    this.executions = new Executions(session, job, POLL_SECONDS);
  }

  /** One that has not ended. */
  async unfinished(): Promise<Execution | undefined> {
    const execution = await this.executions.unfinished(this.inputs.RUN_ID);
    if (execution) {
      this.session.progress.line(
        `attaching to execution ${shortName(execution)}`,
      );
    }
    return execution;
  }

  /** Plain environment of the job's container, by name. */
  async environment(): Promise<Record<string, string>> {
    return this.executions.environment();
  }

  /** @throws one line that says what Cloud Run refuses. */
  async start(): Promise<Execution> {
    const { inputs, session } = this;
    const { RUN_ID, JOB_NAME, ACCELERATOR, TASK_TIMEOUT_SECONDS } = inputs;
    try {
      const execution = await this.executions.start(RUN_ID);
      session.progress.line(
        `started execution ${shortName(execution)} of ${JOB_NAME} on ${ACCELERATOR}: at most ${duration(TASK_TIMEOUT_SECONDS)} an attempt, ${inputs.MAX_RETRIES} retries (${duration(executionSeconds(inputs))}); one that is interrupted is followed by another as long as the training advances, ${mostExecutions(inputs)} in all`,
      );
      return execution;
    } catch (error) {
      if (!(error instanceof GoogleApiError)) throw error;
      const { what, remedy } = runFailure({
        ...this.shape(),
        conditions: [{ message: error.message }],
        log: [],
      });
      throw new Error(
        `run ${RUN_ID} could not be started: ${what}. What to do: ${remedy}`,
      );
    }
  }

  /**
   * Waits for an execution, and shows its log.
   *
   * @throws if it does not end, even with a wait for a GPU.
   */
  async follow(first: Execution): Promise<ExecutionEnd> {
    const { JOB_NAME, POLL_SECONDS } = this.inputs;
    const { progress } = this.session;
    const began = Date.parse(first.createTime ?? "") || Date.now();
    const logs = new CloudLogs(
      this.session,
      this.inputs.PROJECT_ID,
      `resource.type="cloud_run_job" AND resource.labels.job_name="${JOB_NAME}" AND labels."run.googleapis.com/execution_name"="${shortName(first)}"`,
      new Date(began),
    );
    // Cloud Run ends an execution itself; this only bounds the wait for a GPU.
    const limit = executionSeconds(this.inputs) + QUEUE_SECONDS;
    let execution = first;
    while (!hasEnded(execution)) {
      const seconds = (Date.now() - began) / 1000;
      if (seconds > limit) {
        throw new Error(
          `execution ${shortName(first)} has not ended after ${duration(seconds)} (${stateOf(execution)}). What to do: deploy again to go on waiting, or cancel it and take another region`,
        );
      }
      await sleep(POLL_SECONDS * 1000);
      execution = await this.executions.get(first.name);
      await logs.poll();
      progress.state(
        `${JOB_NAME}: ${stateOf(execution)}, ${duration(seconds)}`,
      );
    }
    const succeeded = Boolean(execution.succeededCount);
    if (!succeeded) await logs.drain(POLL_SECONDS);
    return {
      name: shortName(execution),
      succeeded,
      logUri: execution.logUri ?? "none",
      why: {
        ...this.shape(),
        ...(succeeded ? { conditions: [] } : await this.lastAttempt(execution)),
        log: logs.lines,
      },
    };
  }

  private async lastAttempt(execution: Execution) {
    const tasks = await this.executions.tasks(execution.name);
    const task = tasks.find(({ lastAttemptResult }) => lastAttemptResult);
    return {
      attempt: task?.lastAttemptResult,
      conditions: [
        ...tasks.flatMap(({ conditions }) => conditions ?? []),
        ...(execution.conditions ?? []),
      ].filter(({ state }) => state !== "CONDITION_SUCCEEDED"),
    };
  }

  private shape() {
    const { ACCELERATOR, REGION, TASK_TIMEOUT_SECONDS } = this.inputs;
    return {
      accelerator: ACCELERATOR,
      region: REGION,
      timeoutSeconds: TASK_TIMEOUT_SECONDS,
    };
  }
}

function shortName({ name }: Execution): string {
  return name.split("/").at(-1) ?? name;
}
