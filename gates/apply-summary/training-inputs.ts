import { attributes } from "../attribute";
import type { Values } from "../cost/gpu-instance";
import { type Json, own, text } from "../json";
import type { Resource } from "../resource";
import { inTemplate } from "../workload";

/** A variable of the trainer's container, by name. */
export type Environment = ReadonlyMap<string, string>;

/** An input of the training that is another one than before. */
export interface ChangedInput {
  /** The setting that decides it, such as `training.learningRate`. */
  readonly setting: string;

  /** Undefined where there was none. */
  readonly before: string | undefined;
  readonly after: string | undefined;

  /** Whether it changes how long a training takes. */
  readonly changesLength: boolean;
}

/** Setting by variable: exactly the inputs that constructs/run-id.ts hashes. */
const SETTINGS: Readonly<Record<string, string>> = {
  RECIPE_VERSION: "version of trainer/recipe.json",
  MODEL_NAME: "base.id",
  MODEL_REVISION: "base.revision",
  DATASET_NAME: "dataset.id",
  DATASET_REVISION: "dataset.revision",
  DATASET_SPLIT: "dataset.split",
  DATASET_LIMIT: "dataset.limit",
  DATASET_FORMAT: "dataset.format",
  DATASET_COLUMNS: "dataset.columns",
  DATASET_MESSAGES: "dataset.messages",
  PROMPT_TEMPLATE: "prompt",
  COMPLETION_TEMPLATE: "completion",
  LORA_R: "training.lora.r",
  LORA_ALPHA: "training.lora.alpha",
  LORA_DROPOUT: "training.lora.dropout",
  LORA_TARGET_MODULES: "training.lora.targetModules",
  USE_RSLORA: "training.lora.rsLora",
  USE_DORA: "training.lora.dora",
  START_ADAPTER: "training.startFrom",
  LEARNING_RATE: "training.learningRate",
  LR_SCHEDULER_TYPE: "training.scheduler",
  WARMUP_RATIO: "training.warmupRatio",
  WEIGHT_DECAY: "training.weightDecay",
  MAX_GRAD_NORM: "training.maxGradNorm",
  NUM_TRAIN_EPOCHS: "training.epochs",
  MAX_STEPS: "training.maxSteps",
  MAX_SEQ_LENGTH: "training.maxSeqLength",
  SEED: "training.seed",
  BASE_PRECISION: "training.basePrecision",
  EVALUATION_ROWS: "training.evaluationRows",
};

/** One step sees the documents of all its batches: only their number counts. */
const BATCH = ["TRAIN_BATCH_SIZE", "GRADIENT_ACCUMULATION_STEPS"] as const;

/** How much is read, how often, and by how large a model. */
const LENGTH =
  /^(MODEL_NAME|DATASET_|NUM_TRAIN_EPOCHS|MAX_STEPS|MAX_SEQ_LENGTH|BASE_PRECISION|EVALUATION_ROWS)/;

/** The environment of a job's container, without what a secret fills in. */
export function jobEnvironment(values: Values): Environment {
  const entries = attributes(
    values,
    inTemplate("google_cloud_run_v2_job", "containers", "env"),
  );
  return new Map(
    entries.flatMap(({ value }) => {
      const [name, content] = [text(value, "name"), own(value, "value")];
      return name === undefined || typeof content !== "string"
        ? []
        : [[name, content] as const];
    }),
  );
}

/** Variables whose values the plan marks as not to be shown. */
export function maskedVariables(job: Resource): ReadonlySet<string> {
  const path = inTemplate("google_cloud_run_v2_job", "containers", "env");
  const masked = (values: Json, mask: Json) => {
    // A mask reads like a mirror of what is not known.
    const hidden = attributes({ values, unknown: mask }, [...path, "value"])
      .filter(({ known }) => !known)
      .map((place) => place.path);
    return attributes({ values, unknown: {} }, path)
      .filter(({ path }) => hidden.some((at) => `${path}.value`.startsWith(at)))
      .map(({ value }) => text(value, "name") ?? "");
  };
  return new Set([
    ...masked(job.values, job.sensitive),
    ...masked(job.before ?? {}, job.sensitiveBefore ?? {}),
  ]);
}

/**
 * The inputs that decide a run and are others than before.
 *
 * @param masked - variables whose values must not be shown
 */
export function changedInputs(
  before: Environment,
  after: Environment,
  masked: ReadonlySet<string>,
): ChangedInput[] {
  const shown = (variable: string, environment: Environment) =>
    masked.has(variable) ? "(sensitive)" : environment.get(variable);
  const changed = Object.entries(SETTINGS)
    .filter(([variable]) => before.get(variable) !== after.get(variable))
    .filter(([variable]) => isRead(variable, before, after))
    .map(([variable, setting]) => ({
      setting,
      before: shown(variable, before),
      after: shown(variable, after),
      changesLength: LENGTH.test(variable),
    }));
  const [was, becomes] = [before, after].map(documentsPerStep);
  return was === becomes
    ? changed
    : [
        ...changed,
        {
          setting: "training.batchSize x training.gradientAccumulationSteps",
          before: was,
          after: becomes,
          changesLength: true,
        },
      ];
}

/** Of the two ways to name columns, only the one in use counts. */
function isRead(
  variable: string,
  before: Environment,
  after: Environment,
): boolean {
  const formats = [before, after].map((env) => env.get("DATASET_FORMAT"));
  const columns = formats.includes("columns");
  const messages = formats.some((format) => format !== "columns");
  if (variable === "DATASET_COLUMNS") return columns;
  return variable !== "DATASET_MESSAGES" || messages;
}

function documentsPerStep(environment: Environment): string | undefined {
  const [size, steps] = BATCH.map((name) => environment.get(name));
  return size === undefined || steps === undefined
    ? undefined
    : String(Number(size) * Number(steps));
}
