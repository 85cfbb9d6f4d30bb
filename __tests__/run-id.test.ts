import { readSettings } from "../constructs/read-settings";
import { runId } from "../constructs/run-id";
import { environment, type Raw } from "./synthesize";

function idOf(model: Raw = {}, recipe = 1, changes: Raw = {}): string {
  const { dev } = readSettings(
    { environments: { dev: environment(changes, model) } },
    {},
  );
  return runId(Object.values(dev!.models)[0]!, recipe);
}

test("is the first 12 digits of a hash, and the same every time", () => {
  expect(idOf()).toMatch(/^[0-9a-f]{12}$/);
  expect(idOf()).toBe(idOf());
});

test("does not depend on the order in which settings are written", () => {
  expect(idOf({ dataset: { limit: 10, split: "x" } })).toBe(
    idOf({ dataset: { split: "x", limit: 10 } }),
  );
});

test.each<[string, Raw]>([
  ["the base", { base: { id: "google/gemma-3-1b-it" } }],
  ["the base's revision", { base: { revision: "0123abc" } }],
  ["the data set", { dataset: { id: "gs://bucket/rows" } }],
  ["the data set's revision", { dataset: { revision: "0123abc" } }],
  ["the number of rows", { dataset: { limit: 999 } }],
  [
    "the columns",
    { dataset: { columns: { question: "q", context: "c", answer: "a" } } },
  ],
  ["the prompt", { prompt: "{question}" }],
  ["the completion", { completion: "{answer}" }],
  ["the seed", { training: { seed: 1 } }],
  ["the LoRA rank", { training: { lora: { r: 9 } } }],
  ["the LoRA alpha", { training: { lora: { alpha: 9 } } }],
  ["the LoRA dropout", { training: { lora: { dropout: 0 } } }],
  [
    "the adapted modules",
    { training: { lora: { targetModules: "all-linear" } } },
  ],
  ["the learning rate", { training: { learningRate: 1e-4 } }],
  ["the schedule", { training: { scheduler: "linear" } }],
  ["the warm-up", { training: { warmupRatio: 0 } }],
  ["the weight decay", { training: { weightDecay: 0 } }],
  ["the clipping", { training: { maxGradNorm: 1 } }],
  ["the epochs", { training: { epochs: 2 } }],
  ["the step limit", { training: { maxSteps: 10 } }],
  ["the documents of a step", { training: { batchSize: 2 } }],
  ["fewer documents in a step", { training: { gradientAccumulationSteps: 1 } }],
  ["the row length", { training: { maxSeqLength: 256 } }],
  ["the base's precision", { training: { basePrecision: "nf4" } }],
  ["the tutorial's switch for 4 bit", { training: { loadIn4bit: false } }],
  ["rank-stabilized scaling", { training: { lora: { rsLora: true } } }],
  ["weight decomposition", { training: { lora: { dora: true } } }],
  ["the adapter to start from", { training: { startFrom: "0123456789ab" } }],
  ["the format of the rows", { dataset: { format: "messages" } }],
  ["the held-out rows", { training: { evaluationRows: 50 } }],
])("changes with %s", (_, model) => {
  expect(idOf(model)).not.toBe(idOf());
});

test("changes with the column of a chat, once that is what is read", () => {
  const chat = { format: "messages" };
  expect(idOf({ dataset: { ...chat, messages: "turns" } })).not.toBe(
    idOf({ dataset: chat }),
  );
});

test.each<[string, Raw, Raw]>([
  [
    "two documents a step, one or both at a time",
    { training: { batchSize: 2, gradientAccumulationSteps: 1 } },
    { training: { batchSize: 1, gradientAccumulationSteps: 2 } },
  ],
  [
    "nf4 by its name and by the tutorial's switch",
    { training: { basePrecision: "nf4" } },
    { training: { loadIn4bit: true } },
  ],
  [
    "bf16 by its name and by the tutorial's switch",
    { training: { basePrecision: "bf16" } },
    { training: { loadIn4bit: false } },
  ],
  [
    "adapted modules in any order",
    { training: { lora: { targetModules: ["q_proj", "v_proj"] } } },
    { training: { lora: { targetModules: ["v_proj", "q_proj"] } } },
  ],
  [
    "a column of a chat that is not read",
    { dataset: { messages: "turns" } },
    {},
  ],
  [
    "columns that are not read",
    {
      dataset: {
        format: "messages",
        columns: { question: "q", context: "c", answer: "a" },
      },
    },
    { dataset: { format: "messages" } },
  ],
])("is the same for %s", (_, one, other) => {
  expect(idOf(one)).toBe(idOf(other));
});

test("changes with the trainer's recipe", () => {
  expect(idOf({}, 2)).not.toBe(idOf({}, 1));
});

test.each<[string, Raw, Raw?]>([
  ["the GPU's shape", { training: { cpu: 6, memory: "24Gi" } }],
  [
    "time limit and retries",
    { training: { timeoutSeconds: 1800, retries: 0 } },
  ],
  ["the checkpoints", { training: { checkpointMinutes: 1 } }],
  ["the budget for scoring", { training: { evaluationSeconds: 60 } }],
  ["trackers", { training: { reportTo: ["tensorboard"] } }],
  [
    "logging and evaluation batches",
    { training: { loggingSteps: 1, evalBatchSize: 8 } },
  ],
  ["names", { name: "other", training: { job: "other" } }],
  ["serving", { serving: { maxInstances: 2 } }],
  [
    "the bar",
    {
      promotion: {
        metric: "exact_match",
        minimum: 0.5,
        mustBeat: "0123456789ab",
      },
    },
  ],
  ["a pin", { pin: "0123456789ab" }],
  ["the project", {}, { projectId: "another-project", region: "us-east4" }],
])("does not change with %s", (_, model, changes = {}) => {
  expect(idOf(model, 1, changes)).toBe(idOf());
});
