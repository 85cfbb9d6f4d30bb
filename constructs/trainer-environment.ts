import { pricePerHour } from "./gpu-prices";
import type { ModelSettings } from "./model-settings";
import { adaptedModules, effectivePrecision } from "./training-settings";
import { adapterAddress, incumbentAddress } from "./version-address";

/** What the trainer's environment is made of beside a model's settings. */
export interface TrainerEnvironmentProps {
  readonly projectId: string;
  readonly region: string;
  readonly bucketName: string;

  /** Folder of the model in the bucket. */
  readonly modelName: string;
  readonly runId: string;

  /** Version of the trainer's recipe. */
  readonly recipe: number;

  /** Hash of the trainer's source, for the manifest. */
  readonly sourceHash: string;
}

/** Environment of the trainer's container: the tutorial's names, and ours beside. */
export function trainerEnvironment(
  model: ModelSettings,
  props: TrainerEnvironmentProps,
): Record<string, string> {
  const { bucketName, modelName, runId } = props;
  const { base, dataset, training, promotion } = model;
  const { lora } = training;
  const models = `gs://${bucketName}/${modelName}`;
  const price = pricePerHour(training, props.region);
  return {
    PROJECT_ID: props.projectId,
    REGION: props.region,
    BUCKET_NAME: bucketName,
    NEW_MODEL: modelName,
    RUN_ID: runId,
    OUTPUT_URI: `${models}/${runId}`,
    CHECKPOINT_URI: `gs://${bucketName}/checkpoints/${modelName}/${runId}`,
    RECIPE_VERSION: String(props.recipe),
    TRAINER_SOURCE_HASH: props.sourceHash,
    MODEL_NAME: base.id,
    MODEL_REVISION: base.revision,
    DATASET_NAME: dataset.id,
    DATASET_REVISION: dataset.revision,
    DATASET_SPLIT: dataset.split,
    DATASET_LIMIT: String(dataset.limit),
    DATASET_COLUMNS: JSON.stringify(dataset.columns),
    DATASET_FORMAT: dataset.format,
    DATASET_MESSAGES: dataset.messages,
    PROMPT_TEMPLATE: model.prompt,
    COMPLETION_TEMPLATE: model.completion,
    LORA_R: String(lora.r),
    LORA_ALPHA: String(lora.alpha),
    LORA_DROPOUT: String(lora.dropout),
    LORA_TARGET_MODULES: [adaptedModules(training)].flat().join(","),
    USE_RSLORA: String(lora.rsLora),
    USE_DORA: String(lora.dora),
    START_ADAPTER:
      training.startFrom === undefined
        ? ""
        : adapterAddress(training.startFrom, models),
    LEARNING_RATE: String(training.learningRate),
    LR_SCHEDULER_TYPE: training.scheduler,
    WARMUP_RATIO: String(training.warmupRatio),
    WEIGHT_DECAY: String(training.weightDecay),
    MAX_GRAD_NORM: String(training.maxGradNorm),
    NUM_TRAIN_EPOCHS: String(training.epochs),
    MAX_STEPS: String(training.maxSteps),
    TRAIN_BATCH_SIZE: String(training.batchSize),
    EVAL_BATCH_SIZE: String(training.evalBatchSize),
    GRADIENT_ACCUMULATION_STEPS: String(training.gradientAccumulationSteps),
    LOGGING_STEPS: String(training.loggingSteps),
    MAX_SEQ_LENGTH: String(training.maxSeqLength),
    SEED: String(training.seed),
    BASE_PRECISION: effectivePrecision(training),
    CHECKPOINT_MINUTES: String(training.checkpointMinutes),
    EVALUATION_ROWS: String(training.evaluationRows),
    EVALUATION_SECONDS: String(training.evaluationSeconds),
    PROMOTION_METRIC: promotion.metric,
    PROMOTION_MINIMUM: String(promotion.minimum ?? ""),
    PROMOTION_MUST_BEAT:
      promotion.mustBeat === undefined
        ? ""
        : incumbentAddress(promotion.mustBeat, models),
    REPORT_TO: [training.reportTo].flat().join(","),
    TASK_TIMEOUT_SECONDS: String(training.timeoutSeconds),
    // Without a known price the trainer tells no costs.
    ...(price === undefined ? {} : { PRICE_PER_HOUR: price.toFixed(4) }),
  };
}
