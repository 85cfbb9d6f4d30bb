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
});

/** How a model is fine-tuned, and the job that does it. */
export const trainingSettings = z.strictObject({
  job: cloudRunName.default("finetuning-to-gcs-job"),
  /** A ready image instead of the one built from `trainer/`. */
  image: imageUri.optional(),
  ...gpuContainer,
  timeoutSeconds: integer(
    60,
    GPU_TASK_TIMEOUT_SECONDS,
    " seconds (Cloud Run ends a GPU task after an hour; an attempt that ends so is resumed or tried again)",
  ).default(3600),
  retries: integer(0, 10).default(3),
  lora: lora.prefault({}),
  learningRate: number(1e-8, 1).default(2e-4),
  scheduler: z
    .enum(["cosine", "linear", "constant", "constant_with_warmup"], {
      error: "cosine, linear, constant or constant_with_warmup",
    })
    .default("cosine"),
  warmupRatio: number(0, 1).default(0.03),
  weightDecay: number(0, 1).default(0.001),
  maxGradNorm: number(0, 1000).default(0.3),
  epochs: number(0.001, 1000).default(1),
  maxSteps: z
    .int("-1 for no limit, or a whole number of steps")
    .refine((steps) => steps === -1 || steps > 0, {
      error: "-1 for no limit, or a whole number of steps",
    })
    .default(-1),
  batchSize: integer(1, 4096).default(1),
  evalBatchSize: integer(1, 4096).default(2),
  gradientAccumulationSteps: integer(1, 4096).default(2),
  loggingSteps: integer(1, 100000).default(5),
  maxSeqLength: integer(16, 131072).default(512),
  seed: integer(0, 4294967295).default(42),
  loadIn4bit: flag.default(true),
  packing: flag.default(false),
  evaluationRows: integer(1, 100000).default(100),
});
