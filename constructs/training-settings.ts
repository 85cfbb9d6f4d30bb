import { z } from "zod";
import { GPU_TASK_TIMEOUT_SECONDS } from "./gpu-shapes";
import { cloudRunName, imageUri } from "./resource-names";
import { flag, gpuContainer, integer, number } from "./setting-types";

const lora = z.strictObject({
  r: integer(1, 512).default(8),
  alpha: integer(1, 1024).default(16),
  dropout: number(0, 0.9).default(0.1),
  targetModules: z
    .union(
      [
        z.literal("all-linear"),
        z.array(z.string().regex(/^[A-Za-z_]\w*$/)).min(1),
      ],
      { error: 'a list of module names, or "all-linear"' },
    )
    .default(["q_proj", "v_proj"]),
  /**
   * Scale by alpha / sqrt(r) instead of alpha / r.
   *
   * @see https://arxiv.org/abs/2312.03732
   */
  rsLora: flag.default(false),
  /**
   * Learn a magnitude for each output beside the direction.
   *
   * @see https://arxiv.org/abs/2402.09353
   */
  dora: flag.default(false),
});

/** How the frozen base is held while an adapter is trained on it. */
export const BASE_PRECISIONS = ["auto", "nf4", "bf16", "fp8"] as const;

const START_FROM =
  "a run id of this model (12 hexadecimal digits), or gs://BUCKET/MODEL/RUN_ID/adapter without a slash at its end";

/** How a model is fine-tuned, and the job that does it. */
export const trainingSettings = z.strictObject({
  job: cloudRunName.default("finetuning-to-gcs-job"),
  /** A ready image instead of the one built from `trainer/`. */
  image: imageUri.optional(),
  ...gpuContainer,
  timeoutSeconds: integer(
    300,
    GPU_TASK_TIMEOUT_SECONDS,
    " seconds (Cloud Run ends a GPU task after an hour; an attempt that ends so is resumed)",
  ).default(3600),
  retries: integer(0, 10).default(3),
  lora: lora.prefault({}),
  /**
   * A published adapter to go on from: a run of this model, or any adapter's
   * folder in Cloud Storage.
   */
  startFrom: z
    .string(START_FROM)
    .regex(/^([0-9a-f]{12}|gs:\/\/[a-z0-9][a-z0-9._-]+(\/[^/]+)+)$/, START_FROM)
    .optional(),
  learningRate: number(1e-8, 1).default(2e-4),
  scheduler: z
    .enum(["cosine", "linear", "constant", "constant_with_warmup"], {
      error: "cosine, linear, constant or constant_with_warmup",
    })
    .default("cosine"),
  warmupRatio: number(0, 0.99).default(0.03),
  weightDecay: number(0, 1).default(0.001),
  maxGradNorm: number(1e-6, 1000).default(0.3),
  epochs: number(0.001, 1000).default(1),
  maxSteps: z
    .int("-1 for no limit, or a whole number of steps")
    .refine((steps) => steps === -1 || steps > 0, {
      error: "-1 for no limit, or a whole number of steps",
    })
    .default(-1),
  /**
   * Times `gradientAccumulationSteps`: documents of one optimizer step. Only
   * the product counts; how many are on the GPU at a time follows from its
   * memory and changes no result.
   */
  batchSize: integer(1, 4096).default(1),
  gradientAccumulationSteps: integer(1, 4096).default(2),
  loggingSteps: integer(1, 100000).default(5),
  /** Tokens of the longest document, and of the rows that documents share. */
  maxSeqLength: integer(16, 131072).default(512),
  seed: integer(0, 4294967295).default(42),
  /** `auto` is bf16 where the base fits on the GPU so, else nf4. */
  basePrecision: z
    .enum(BASE_PRECISIONS, { error: "auto, nf4, bf16 or fp8" })
    .default("auto"),
  /** The tutorial's switch: true means nf4, false bf16. */
  loadIn4bit: flag.optional(),
  /** Minutes between two checkpoints in the bucket. */
  checkpointMinutes: number(0.1, 55).default(5),
  /** Held-out rows that the model is judged by; 0 measures nothing. */
  evaluationRows: integer(0, 100000).default(500),
  /** Budget for generating answers to the held-out rows. */
  evaluationSeconds: integer(1, GPU_TASK_TIMEOUT_SECONDS, " seconds").default(
    900,
  ),
  /** Answers that are generated at a time, at least. */
  evalBatchSize: integer(1, 4096).default(2),
  /** Trackers that the curves go to beside the log. */
  reportTo: z
    .union(
      [
        z.literal("none"),
        z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).min(1),
      ],
      { error: '"none", or a list of trackers such as ["tensorboard"]' },
    )
    .default("none"),
});

type TrainingSettings = z.infer<typeof trainingSettings>;

/** The precision that is asked for, in whichever way. */
export function effectivePrecision({
  basePrecision,
  loadIn4bit,
}: TrainingSettings): (typeof BASE_PRECISIONS)[number] {
  if (basePrecision !== "auto" || loadIn4bit === undefined) {
    return basePrecision;
  }
  return loadIn4bit ? "nf4" : "bf16";
}

/** The same modules are the same result, in whatever order they are named. */
export function adaptedModules({
  lora: { targetModules },
}: TrainingSettings): string | string[] {
  return typeof targetModules === "string"
    ? targetModules
    : [...new Set(targetModules)].sort();
}
