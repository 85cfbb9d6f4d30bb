import { z } from "zod";
import { pollSeconds, readInputs, text, wholeNumber } from "./inputs";

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
  PROMOTION_MUST_BEAT: z
    .string()
    .transform((value) => (value === "" ? undefined : value))
    .optional(),
  ACCELERATOR: text,
  TASK_TIMEOUT_SECONDS: wholeNumber,
  MAX_RETRIES: wholeNumber,
  PINNED: z.enum(["yes", "no"], "yes or no"),
  POLL_SECONDS: pollSeconds,
};

/** What Terraform tells about a run and its job. */
export type TrainingInputs = ReturnType<typeof readInputs<typeof INPUTS>>;

/** @throws one line with all that is missing or wrong. */
export function trainingInputs(env: NodeJS.ProcessEnv): TrainingInputs {
  return readInputs(env, INPUTS);
}

type Attempts = Pick<TrainingInputs, "TASK_TIMEOUT_SECONDS" | "MAX_RETRIES">;

/** Seconds that the attempts of one execution may take together. */
export function executionSeconds({
  TASK_TIMEOUT_SECONDS,
  MAX_RETRIES,
}: Attempts): number {
  return TASK_TIMEOUT_SECONDS * (MAX_RETRIES + 1);
}

/** After a day of attempts a person should have a look. */
const LONGEST_SECONDS = 24 * 3600;

/** Executions that one deploy starts at most, each resuming the one before. */
export function mostExecutions(inputs: Attempts): number {
  return Math.max(1, Math.floor(LONGEST_SECONDS / executionSeconds(inputs)));
}
