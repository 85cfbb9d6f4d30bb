import { z } from "zod";
import {
  type Accelerator,
  ACCELERATORS,
  GPU_STARTUP_SECONDS,
  GPU_TASK_TIMEOUT_SECONDS,
} from "./gpu-shapes";
import { cloudRunName, imageUri, modelName } from "./resource-names";

const integer = (minimum: number, maximum: number, unit = "") =>
  z
    .int(`a whole number from ${minimum} to ${maximum}${unit}`)
    .min(minimum, `a whole number from ${minimum} to ${maximum}${unit}`)
    .max(maximum, `a whole number from ${minimum} to ${maximum}${unit}`);

const number = (minimum: number, maximum: number) =>
  z
    .number(`a number from ${minimum} to ${maximum}`)
    .min(minimum, `a number from ${minimum} to ${maximum}`)
    .max(maximum, `a number from ${minimum} to ${maximum}`);

const text = (allowed: string) => z.string(allowed).min(1, allowed);

const revision = z
  .string("a branch, a tag or a commit hash")
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, "a branch, a tag or a commit hash");

const source = text(
  "a Hugging Face id such as google/gemma-2b, a gs:// prefix or a path",
).regex(
  /^(gs:\/\/[a-z0-9][a-z0-9._-]+(\/.*)?|\.{0,2}\/.+|[A-Za-z0-9][\w.-]*(\/[\w.-]+)?)$/,
  "a Hugging Face id such as google/gemma-2b, a gs:// prefix or a path",
);

const flag = z.boolean("true or false");

/** Keys that a GPU container of either kind has, checked against its shape. */
const gpuContainer = {
  accelerator: z
    .enum(ACCELERATORS as [Accelerator, ...Accelerator[]], {
      error: ACCELERATORS.join(" or "),
    })
    .default("nvidia-l4"),
  cpu: integer(1, 64).default(8),
  memory: z
    .string("memory in GiB, such as 32Gi")
    .regex(/^[1-9]\d*Gi$/, "memory in GiB, such as 32Gi")
    .default("32Gi"),
};

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

const training = z.strictObject({
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

const serving = z.strictObject({
  service: cloudRunName.default("serve-gemma-sql"),
  /** A ready image instead of the one built from `vllm/`. */
  image: imageUri.optional(),
  /** Command of an image that does not start with tuneserve's own script. */
  command: z
    .array(text("a program and its arguments"))
    .min(1, "a program and its arguments")
    .optional(),
  args: z.array(z.string("a list of arguments")).default([]),
  ...gpuContainer,
  minInstances: integer(0, 100).default(0),
  maxInstances: integer(1, 100).default(1),
  port: integer(1, 65535).default(8000),
  healthPath: z
    .string("a path such as /health")
    .regex(/^\/[\w./-]*$/, "a path such as /health")
    .default("/health"),
  startupSeconds: z
    .int(`10 to ${GPU_STARTUP_SECONDS} seconds, in tens`)
    .refine((s) => s >= 10 && s <= GPU_STARTUP_SECONDS && s % 10 === 0, {
      error: `10 to ${GPU_STARTUP_SECONDS} seconds, in tens`,
    })
    .default(1200),
  requestTimeoutSeconds: integer(1, 3600, " seconds").default(300),
  modelId: z
    .string("the name that clients ask for")
    .regex(/^[\w./-]+$/, "a name of letters, digits, '.', '_', '/' and '-'")
    .default("new_model"),
  maxModelLen: integer(16, 1048576).default(2048),
  maxNumSeqs: integer(1, 1000).default(64),
  gpuMemoryUtilization: number(0.1, 0.99).default(0.9),
  ingress: z
    .enum(["all", "internal", "internal-and-cloud-load-balancing"], {
      error: "all, internal or internal-and-cloud-load-balancing",
    })
    .default("all"),
  invokers: z
    .array(
      z
        .string("a principal")
        .regex(
          /^((user|group|serviceAccount):[^\s@]+@[^\s@]+\.[^\s@]+|domain:[^\s@]+\.[^\s@]+|principal(Set)?:\/\/\S+|allUsers|allAuthenticatedUsers)$/,
          "a principal such as user:ada@example.com, group:…, serviceAccount:…, domain:… or principalSet://…",
        ),
    )
    .default([]),
  public: flag.default(false),
  deletionProtection: flag.default(false),
});

const promotion = z.strictObject({
  metric: z
    .enum(["execution_match", "exact_match"], {
      error: "execution_match or exact_match",
    })
    .default("execution_match"),
  /** Share of held-out rows that must be right; without it nothing is refused. */
  minimum: number(0, 1).optional(),
});

/** One model: what it is made of, how it is trained, served and judged. */
export const modelSettings = z.strictObject({
  /** Folder in the bucket; the model's key where it is not set. */
  name: modelName.optional(),
  base: z
    .strictObject({
      id: source.default("google/gemma-2b"),
      revision: revision.default("main"),
    })
    .prefault({}),
  dataset: z
    .strictObject({
      id: source.default("b-mc2/sql-create-context"),
      revision: revision.default("main"),
      split: text("a split such as train").default("train"),
      limit: z
        .int("-1 for all rows, or a whole number of rows")
        .refine((rows) => rows === -1 || rows > 0, {
          error: "-1 for all rows, or a whole number of rows",
        })
        .default(1000),
      columns: z
        .record(
          z.string().regex(/^[A-Za-z_]\w*$/),
          text("a column of the data set"),
          "placeholders of the templates and the columns that they stand for",
        )
        .default({
          question: "question",
          context: "context",
          answer: "answer",
        }),
    })
    .prefault({}),
  prompt: text("a template with placeholders such as {question}").default(
    "Question: {question}\nContext: {context}\nAnswer:",
  ),
  completion: text("a template with placeholders such as {answer}").default(
    " {answer}",
  ),
  training: training.prefault({}),
  serving: serving.prefault({}),
  promotion: promotion.prefault({}),
  /** Serve this published run, and train nothing. */
  pin: z
    .string("a run id")
    .regex(/^[0-9a-f]{12}$/, "a run id: 12 hexadecimal digits")
    .optional(),
});

/** Settings of one model, complete with defaults. */
export type ModelSettings = z.infer<typeof modelSettings>;
