import { runProvisioner, type Session } from "./provisioner";
import { PublishedRuns } from "./published-runs";
import { binds, explainRejection, readRejection } from "./rejection";
import { runFailure, wasInterrupted } from "./run-failure";
import { type ExecutionEnd, TrainingExecutions } from "./training-execution";
import {
  mostExecutions,
  type TrainingInputs,
  trainingInputs,
} from "./training-inputs";
import {
  standsStill,
  type TrainingProgress,
  whereabouts,
} from "./training-progress";

/**
 * Makes sure that a run is published: finds it so, attaches to the execution
 * that is training it, or executes the job; then waits. An execution that was
 * interrupted is followed by another one, which resumes, as long as the
 * training advances.
 *
 * @throws one line that says what failed and what to do.
 */
export async function runTraining(session: Session): Promise<void> {
  const inputs = trainingInputs(session.env);
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
  const executions = new TrainingExecutions(session, inputs);
  let execution = await executions.unfinished();
  // Of one that is attached to, nobody knows where it started.
  let before: TrainingProgress | undefined;
  if (!execution) {
    if (await refuseRejected(inputs, runs, executions)) {
      progress.line(
        `run ${RUN_ID} was rejected under another bar: it is judged again, without training`,
      );
    }
    before = await runs.progress(RUN_ID);
    execution = await executions.start();
  }
  progress.line(
    "this may be interrupted: the training goes on in the cloud, and the next deploy attaches to it",
  );
  for (let count = 1; ; count++) {
    const end = await executions.follow(execution);
    // `_SUCCESS` decides, whatever the execution says of itself.
    if (await runs.has(RUN_ID)) {
      return progress.line(`${address} is published`);
    }
    const now = await runs.progress(RUN_ID);
    if (!wasInterrupted(end.why) || count === mostExecutions(inputs)) {
      progress.line(`last lines of the log:\n${lastLines(end)}`);
      await refuseRejected(inputs, runs, executions);
      throw failed(inputs, end, now);
    }
    if (before !== undefined && standsStill(before, now)) {
      progress.line(`last lines of the log:\n${lastLines(end)}`);
      throw stuck(inputs, end, now);
    }
    progress.line(
      `execution ${end.name} was interrupted ${whereabouts(now)}: starting another one, which goes on from there`,
    );
    before = now;
    execution = await executions.start();
  }
}

/**
 * @returns whether an earlier attempt was rejected under another bar.
 * @throws the rejection of an earlier attempt, if it still holds.
 */
async function refuseRejected(
  inputs: TrainingInputs,
  runs: PublishedRuns,
  executions: TrainingExecutions,
): Promise<boolean> {
  const { RUN_ID, TRAINER } = inputs;
  const rejection = readRejection(await runs.rejection(RUN_ID), TRAINER);
  if (rejection === undefined) return false;
  const asked = {
    environment: await executions.environment(),
    metric: inputs.PROMOTION_METRIC,
    minimum: inputs.PROMOTION_MINIMUM,
    mustBeat: inputs.PROMOTION_MUST_BEAT,
  };
  if (binds(rejection, asked)) {
    throw new Error(
      `run ${RUN_ID}: ${explainRejection(rejection, runs.checkpoints(RUN_ID))}`,
    );
  }
  return rejection.exit_code === 3;
}

function failed(
  { RUN_ID }: TrainingInputs,
  { succeeded, why, logUri }: ExecutionEnd,
  now: TrainingProgress,
): Error {
  const { what, remedy } = succeeded
    ? {
        what: "the execution succeeded, but published nothing (no _SUCCESS)",
        remedy:
          "see that the trainer's image is the one that this stack builds",
      }
    : runFailure(why);
  return new Error(
    `run ${RUN_ID} failed ${whereabouts(now)}: ${what}. What to do: ${remedy}. Log: ${logUri}`,
  );
}

/** Going on would pay for the same work again and again. */
function stuck(
  { RUN_ID }: TrainingInputs,
  { name, logUri }: ExecutionEnd,
  now: TrainingProgress,
): Error {
  return new Error(
    `run ${RUN_ID} was interrupted ${whereabouts(now)}, and execution ${name} came no further than the one before. What to do: give an attempt more time (training.timeoutSeconds, at most 3600 with a GPU) or less to do in one go (training.checkpointMinutes, training.evaluationSeconds, training.evaluationRows); then deploy again. Log: ${logUri}`,
  );
}

function lastLines({ why }: ExecutionEnd): string {
  return why.log.slice(-15).join("\n");
}

if (require.main === module) runProvisioner(runTraining);
