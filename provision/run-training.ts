import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CloudLogs } from "./cloud-logs";
import { type Execution, Executions, hasEnded, stateOf } from "./executions";
import { GoogleApiError } from "./google-api-error";
import { pollSeconds, readInputs, text, wholeNumber } from "./inputs";
import { duration } from "./progress";
import { runProvisioner, type Session } from "./provisioner";
import { PublishedRuns } from "./published-runs";
import { runFailure } from "./run-failure";
import { bindingVerdict, explainVerdict } from "./verdict";

const INPUTS = {
  PROJECT_ID: text,
  REGION: text,
  JOB_NAME: text,
  RUN_ID: text,
  MODEL: text,
  BUCKET_NAME: text,
  TRAINER: text,
  PROMOTION_METRIC: text,
  PROMOTION_MINIMUM: z
    .string()
    .regex(/^(\d*\.?\d+([eE]-?\d+)?)?$/, "a number or empty")
    .transform((value) => (value === "" ? undefined : Number(value)))
    .optional(),
  ACCELERATOR: text,
  TASK_TIMEOUT_SECONDS: wholeNumber,
  MAX_RETRIES: wholeNumber,
  PINNED: z.enum(["yes", "no"], "yes or no"),
  POLL_SECONDS: pollSeconds,
};
type Inputs = ReturnType<typeof readInputs<typeof INPUTS>>;

/** Seconds that an execution may wait for a GPU before this gives up waiting. */
const QUEUE_SECONDS = 6 * 3600;

/**
 * Makes sure that a run is published: finds it so, attaches to the execution
 * that is training it, or executes the job; then waits.
 *
 * @throws one line that says what failed and what to do.
 */
export async function runTraining(session: Session): Promise<void> {
  const inputs = readInputs(session.env, INPUTS);
  const { RUN_ID, MODEL, BUCKET_NAME } = inputs;
  const { progress } = session;
  const address = `gs://${BUCKET_NAME}/${MODEL}/${RUN_ID}`;
  const runs = new PublishedRuns(session, BUCKET_NAME, MODEL);
  if (await runs.has(RUN_ID)) {
    return progress.line(`${address} is published: nothing to train`);
  }
  if (inputs.PINNED === "yes") {
    const ids = (await runs.ids()).join(", ");
    throw new Error(
      `${MODEL} is pinned to run ${RUN_ID}, which is not published. What to do: pin one of those that are (${ids || "there is none"}), or remove the pin to train`,
    );
  }
  const job = `projects/${inputs.PROJECT_ID}/locations/${inputs.REGION}/jobs/${inputs.JOB_NAME}`;
  const executions = new Executions(session, job, inputs.POLL_SECONDS);
  let execution = await executions.unfinished(RUN_ID);
  if (execution) {
    progress.line(`attaching to execution ${shortName(execution)}`);
  } else {
    await refuseJudged(inputs, runs, executions);
    execution = await start(session, inputs, executions);
  }
  progress.line(
    "this may be interrupted: the training goes on in the cloud, and the next deploy attaches to it",
  );
  await follow(session, inputs, executions, runs, execution, address);
}

/** @throws the verdict of an earlier attempt, if it still holds. */
async function refuseJudged(
  inputs: Inputs,
  runs: PublishedRuns,
  executions: Executions,
): Promise<void> {
  const { BUCKET_NAME, MODEL, RUN_ID } = inputs;
  const left = await runs.verdict(RUN_ID);
  if (left === undefined) return;
  const verdict = bindingVerdict(left, {
    environment: await executions.environment(),
    trainer: inputs.TRAINER,
    metric: inputs.PROMOTION_METRIC,
    minimum: inputs.PROMOTION_MINIMUM,
  });
  if (verdict) {
    const note = `gs://${BUCKET_NAME}/checkpoints/${MODEL}/${RUN_ID}/verdict.json`;
    throw new Error(`run ${RUN_ID}: ${explainVerdict(verdict, note)}`);
  }
}

async function start(
  session: Session,
  inputs: Inputs,
  executions: Executions,
): Promise<Execution> {
  try {
    const execution = await executions.start(inputs.RUN_ID);
    session.progress.line(
      `started execution ${shortName(execution)} of ${inputs.JOB_NAME} on ${inputs.ACCELERATOR}: at most ${duration(inputs.TASK_TIMEOUT_SECONDS)} an attempt, ${inputs.MAX_RETRIES} retries`,
    );
    return execution;
  } catch (error) {
    if (!(error instanceof GoogleApiError)) throw error;
    const { what, remedy } = runFailure({
      ...shape(inputs),
      conditions: [{ message: error.message }],
      log: [],
    });
    throw new Error(
      `run ${inputs.RUN_ID} could not be started: ${what}. What to do: ${remedy}`,
    );
  }
}

async function follow(
  session: Session,
  inputs: Inputs,
  executions: Executions,
  runs: PublishedRuns,
  first: Execution,
  address: string,
): Promise<void> {
  const { PROJECT_ID, JOB_NAME, RUN_ID, POLL_SECONDS } = inputs;
  const { progress } = session;
  const began = Date.parse(first.createTime ?? "") || Date.now();
  const logs = new CloudLogs(
    session,
    PROJECT_ID,
    `resource.type="cloud_run_job" AND resource.labels.job_name="${JOB_NAME}" AND labels."run.googleapis.com/execution_name"="${shortName(first)}"`,
    new Date(began),
  );
  // Cloud Run ends an execution itself; this only bounds the wait for a GPU.
  const limit =
    inputs.TASK_TIMEOUT_SECONDS * (inputs.MAX_RETRIES + 1) + QUEUE_SECONDS;
  let execution = first;
  while (!hasEnded(execution)) {
    const seconds = (Date.now() - began) / 1000;
    if (seconds > limit) {
      throw new Error(
        `execution ${shortName(first)} has not ended after ${duration(seconds)} (${stateOf(execution)}). What to do: deploy again to go on waiting, or cancel it and take another region`,
      );
    }
    await sleep(POLL_SECONDS * 1000);
    execution = await executions.get(first.name);
    await logs.poll();
    progress.state(`${JOB_NAME}: ${stateOf(execution)}, ${duration(seconds)}`);
  }
  // `_SUCCESS` decides, whatever the execution says of itself.
  if (await runs.has(RUN_ID)) {
    return progress.line(`${address} is published`);
  }
  await logs.drain(POLL_SECONDS);
  progress.line(`last lines of the log:\n${logs.lines.slice(-15).join("\n")}`);
  await refuseJudged(inputs, runs, executions);
  const { what, remedy } = execution.succeededCount
    ? {
        what: "the execution succeeded, but published nothing (no _SUCCESS)",
        remedy:
          "see that the trainer's image is the one that this stack builds",
      }
    : runFailure({
        ...shape(inputs),
        ...(await lastAttempt(executions, execution)),
        log: logs.lines,
      });
  throw new Error(
    `run ${RUN_ID} failed: ${what}. What to do: ${remedy}. Log: ${execution.logUri}`,
  );
}

async function lastAttempt(executions: Executions, execution: Execution) {
  const tasks = await executions.tasks(execution.name);
  const task = tasks.find(({ lastAttemptResult }) => lastAttemptResult);
  return {
    attempt: task?.lastAttemptResult,
    conditions: [
      ...tasks.flatMap(({ conditions }) => conditions ?? []),
      ...(execution.conditions ?? []),
    ].filter(({ state }) => state !== "CONDITION_SUCCEEDED"),
  };
}

function shape({ ACCELERATOR, REGION, TASK_TIMEOUT_SECONDS }: Inputs) {
  return {
    accelerator: ACCELERATOR,
    region: REGION,
    timeoutSeconds: TASK_TIMEOUT_SECONDS,
  };
}

function shortName({ name }: Execution): string {
  return name.split("/").at(-1) ?? name;
}

if (require.main === module) runProvisioner(runTraining);
