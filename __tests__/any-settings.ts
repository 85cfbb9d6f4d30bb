import fc from "fast-check";
import { GPU_SHAPES } from "../constructs/gpu-shapes";
import { readSettings } from "../constructs/read-settings";
import type { Raw } from "./synthesize";

/** A key that is set or left out. */
const maybe = (keys: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(keys, { requiredKeys: [] });

const between = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true });

const region = fc.constantFrom("us-central1", "europe-west4");
const name = fc.stringMatching(/^[a-z][a-z0-9-]{4,10}[a-z0-9]$/);

/** A size that Cloud Run has in both regions. */
const size = fc
  .constantFrom<keyof typeof GPU_SHAPES>("nvidia-l4", "nvidia-rtx-pro-6000")
  .chain((accelerator) => {
    const { cpu, minimumMemoryGib } = GPU_SHAPES[accelerator];
    return fc.constantFrom(...cpu).chain((vcpu) =>
      fc.integer({ min: minimumMemoryGib, max: 4 * vcpu }).map((gib) => ({
        accelerator: accelerator as string,
        cpu: vcpu as number,
        memory: `${gib}Gi`,
      })),
    );
  });

const training = fc
  .tuple(
    size,
    maybe({
      retries: fc.integer({ min: 0, max: 10 }),
      image: fc.constant(
        `us-docker.pkg.dev/p/r/trainer@sha256:${"0a".repeat(32)}`,
      ),
      timeoutSeconds: fc.integer({ min: 3500, max: 3600 }),
      startFrom: fc.constantFrom("0123456789ab", "gs://other/model/1/adapter"),
      learningRate: between(1e-6, 0.1),
      scheduler: fc.constantFrom("linear", "constant"),
      warmupRatio: between(0, 0.99),
      weightDecay: between(0, 1),
      maxGradNorm: between(0.1, 10),
      epochs: between(0.1, 10),
      maxSteps: fc.constantFrom(-1, 100),
      batchSize: fc.integer({ min: 1, max: 64 }),
      gradientAccumulationSteps: fc.integer({ min: 1, max: 64 }),
      loggingSteps: fc.integer({ min: 1, max: 100 }),
      maxSeqLength: fc.integer({ min: 16, max: 4096 }),
      seed: fc.nat(),
      basePrecision: fc.constantFrom("auto", "bf16"),
      loadIn4bit: fc.constant(false),
      checkpointMinutes: fc.integer({ min: 1, max: 10 }),
      evaluationRows: fc.integer({ min: 1, max: 1000 }),
      evaluationSeconds: fc.integer({ min: 1, max: 300 }),
      evalBatchSize: fc.integer({ min: 1, max: 64 }),
      reportTo: fc.constantFrom("none", ["tensorboard"]),
      lora: maybe({
        r: fc.integer({ min: 1, max: 64 }),
        alpha: fc.integer({ min: 1, max: 64 }),
        dropout: between(0, 0.9),
        targetModules: fc.constantFrom("all-linear", ["o_proj", "q_proj"]),
        rsLora: fc.boolean(),
        dora: fc.boolean(),
      }),
    }),
  )
  .map(([shape, more]) => ({ ...shape, ...more }));

const serving = fc
  .tuple(
    size,
    maybe({
      minInstances: fc.integer({ min: 1, max: 2 }),
      maxInstances: fc.integer({ min: 1, max: 3 }),
      ingress: fc.constantFrom(
        "all",
        "internal",
        "internal-and-cloud-load-balancing",
      ),
      port: fc.integer({ min: 1, max: 65535 }),
      command: fc.constant(["vllm", "serve"]),
      args: fc.constantFrom([], ["--seed=1"]),
      cuda: fc.constantFrom("auto", "12.9"),
      egress: fc.constantFrom("private-ranges", "all"),
      healthPath: fc.constant("/healthz"),
      startupSeconds: fc.constantFrom(600, 1200),
      requestTimeoutSeconds: fc.integer({ min: 1, max: 3600 }),
      modelId: fc.constant("sql/gemma"),
      maxModelLen: fc.integer({ min: 16, max: 8192 }),
      maxNumSeqs: fc.integer({ min: 8, max: 256 }),
      gpuMemoryUtilization: between(0.1, 0.99),
      prefixCaching: fc.boolean(),
      loadFormat: fc.constantFrom("mount", "stream"),
      streamMemoryGib: between(0.5, 8),
      verify: fc.constantFrom("sizes", "all"),
      start: fc.constantFrom("eager", "compiled"),
      captureSizes: fc.constant([1, 2, 4, 8]),
      compileCache: fc.boolean(),
      metrics: fc.boolean(),
      check: maybe({
        enabled: fc.boolean(),
        invoker: fc.constant("user:ada@example.com"),
        required: fc.boolean(),
        timeoutSeconds: fc.integer({ min: 60, max: 3600 }),
      }),
      deletionProtection: fc.boolean(),
      image: fc.constantFrom("us-docker.pkg.dev/p/r/vllm:1"),
      invokers: fc.uniqueArray(
        fc.constantFrom(
          "user:ada@example.com",
          "group:a@example.com",
          "allUsers",
        ),
        { maxLength: 3 },
      ),
    }),
  )
  .map(([shape, more]) => fitting({ ...shape, ...more, public: true }));

/** Without what does not go together. */
function fitting(serving: Raw): Raw {
  const own = serving.command === undefined;
  const apart = [
    ...(own ? [] : OF_OWN_IMAGE),
    ...(serving.image === undefined ? [] : ["cuda"]),
    ...(own && serving.start === "compiled"
      ? []
      : ["captureSizes", "compileCache"]),
    ...(own && serving.loadFormat === "stream" ? [] : ["streamMemoryGib"]),
  ];
  return Object.fromEntries(
    Object.entries(serving).filter(([key]) => !apart.includes(key)),
  );
}

const OF_OWN_IMAGE = [
  ...["loadFormat", "verify", "start", "metrics", "prefixCaching"],
  ...["maxModelLen", "gpuMemoryUtilization"],
];

const model = maybe({
  pin: fc.stringMatching(/^[0-9a-f]{12}$/),
  name: fc.constant("sql"),
  base: maybe({
    id: fc.constantFrom("google/gemma-2-2b", "gs://bases/gemma"),
    revision: fc.constant("v1.0"),
  }),
  dataset: maybe({
    id: fc.constant("gs://data/sql"),
    revision: fc.constant("refs/pr/1"),
    split: fc.constant("train[:50%]"),
    limit: fc.integer({ min: 1, max: 100000 }),
    columns: fc.constant({ question: "q", context: "c", answer: "a" }),
    format: fc.constantFrom("columns", "messages"),
    messages: fc.constant("chat"),
  }),
  // Anything that a person may write into a prompt.
  prompt: fc
    .string({ unit: "grapheme" })
    .map((text) => `${text.replace(/[{}]/g, "")} {question}`),
  completion: fc.constant("{answer}!"),
  promotion: maybe({
    metric: fc.constantFrom("token_f1", "exact_match"),
    minimum: between(0, 1),
    mustBeat: fc.constantFrom("base", "0123456789ab"),
  }),
  training,
  serving,
});

const anySettings: fc.Arbitrary<Raw> = fc.record(
  {
    projectId: name,
    region,
    labels: fc.dictionary(
      fc.stringMatching(/^(owner|team|cost-center)$/),
      fc.stringMatching(/^[a-z0-9_-]{0,10}$/),
    ),
    network: fc.constantFrom(
      "none",
      {},
      { network: "ml", subnetwork: "ml", egress: "all" },
    ),
    token: maybe({
      source: fc.constantFrom("variable", "existing", "none"),
      secret: fc.constant("HUB_TOKEN"),
      version: fc.integer({ min: 1, max: 9 }),
      replication: fc.constantFrom("automatic", ["us-central1"]),
      deletionProtection: fc.boolean(),
    }),
    budget: fc.oneof(
      fc.constant("none"),
      fc.record(
        {
          amount: fc.integer({ min: 1, max: 2000 }),
          currency: fc.constantFrom("USD", "JPY"),
          billingAccount: fc.constant("012345-6789AB-CDEF01"),
          emails: fc.uniqueArray(
            fc.constantFrom("a@example.com", "b@example.com"),
          ),
        },
        { requiredKeys: ["amount"] },
      ),
    ),
    bucket: maybe({
      name: fc.constant("my-models"),
      forceDestroy: fc.boolean(),
    }),
    state: maybe({
      bucket: fc.constant("my-states"),
      prefix: fc.constant("ml/tuneserve"),
    }),
    repository: fc.constant("models"),
    images: maybe({
      trainer: fc.constant("trainer"),
      vllm: fc.constant("server"),
    }),
    serviceAccounts: maybe({
      build: fc.constant("build-sa"),
      train: fc.constant("train-sa"),
      serve: fc.constant("serve-sa"),
    }),
    grantsSeconds: fc.integer({ min: 0, max: 900 }),
    build: maybe({
      sourceBucket: fc.constant("my-sources"),
      machineType: fc.constant("E2_HIGHCPU_8"),
      diskSizeGb: fc.integer({ min: 100, max: 4000 }),
      timeoutSeconds: fc.integer({ min: 60, max: 86400 }),
      location: fc.constantFrom("global", "europe-west1"),
    }),
    models: fc
      .tuple(model, fc.option(model))
      .map(([a, b]) => (b === null ? { a } : { a, b: another(b) })),
  },
  { requiredKeys: ["projectId", "region", "models"] },
);

/** A second model, whose job, service and folder are its own. */
function another(model: Raw): Raw {
  return {
    ...model,
    name: "second",
    training: { ...(model.training as Raw), job: "second-job" },
    serving: { ...(model.serving as Raw), service: "second-service" },
  };
}

/** Settings of an environment. Some values go with some others only: what is refused is no setting. */
export const settings = anySettings.filter((raw) => {
  try {
    readSettings({ environments: { dev: raw } }, {});
    return true;
  } catch {
    return false;
  }
});
