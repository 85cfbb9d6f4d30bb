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
  ["the batch", { training: { batchSize: 2 } }],
  ["the accumulation", { training: { gradientAccumulationSteps: 1 } }],
  ["the row length", { training: { maxSeqLength: 256 } }],
  ["the precision", { training: { loadIn4bit: false } }],
  ["packing", { training: { packing: true } }],
  ["the held-out rows", { training: { evaluationRows: 50 } }],
])("changes with %s", (_, model) => {
  expect(idOf(model)).not.toBe(idOf());
});

test("changes with the trainer's recipe", () => {
  expect(idOf({}, 2)).not.toBe(idOf({}, 1));
});

test.each<[string, Raw, Raw?]>([
  ["the GPU's shape", { training: { cpu: 6, memory: "24Gi" } }],
  ["time limit and retries", { training: { timeoutSeconds: 60, retries: 0 } }],
  [
    "logging and evaluation batches",
    { training: { loggingSteps: 1, evalBatchSize: 8 } },
  ],
  ["names", { name: "other", training: { job: "other" } }],
  ["serving", { serving: { maxInstances: 2 } }],
  ["the bar", { promotion: { minimum: 0.5 } }],
  ["a pin", { pin: "0123456789ab" }],
  ["the project", {}, { projectId: "another-project", region: "us-east4" }],
])("does not change with %s", (_, model, changes = {}) => {
  expect(idOf(model, 1, changes)).toBe(idOf());
});
