import { createHash } from "node:crypto";
import type { ModelSettings } from "./model-settings";

/**
 * Identity of a training result: 12 hex digits over everything that decides it,
 * and nothing else. It names the version directory, the execution's label and
 * the served model, so it must not move with comments, GPUs, time limits, names
 * or the project: nobody wants a refactoring to train every model again.
 *
 * @param recipe - version of the trainer's recipe, from trainer/recipe.json
 */
export function runId(model: ModelSettings, recipe: number): string {
  const { training } = model;
  const decides = {
    recipe,
    base: model.base,
    dataset: model.dataset,
    prompt: model.prompt,
    completion: model.completion,
    hyperparameters: hyperparameters(training),
  };
  return createHash("sha256")
    .update(JSON.stringify(sorted(decides)))
    .digest("hex")
    .slice(0, 12);
}

function hyperparameters(training: ModelSettings["training"]) {
  return {
    lora: training.lora,
    learningRate: training.learningRate,
    scheduler: training.scheduler,
    warmupRatio: training.warmupRatio,
    weightDecay: training.weightDecay,
    maxGradNorm: training.maxGradNorm,
    epochs: training.epochs,
    maxSteps: training.maxSteps,
    batchSize: training.batchSize,
    gradientAccumulationSteps: training.gradientAccumulationSteps,
    maxSeqLength: training.maxSeqLength,
    seed: training.seed,
    loadIn4bit: training.loadIn4bit,
    packing: training.packing,
    // Held-out rows are not trained on, so their number decides what is.
    evaluationRows: training.evaluationRows,
  };
}

/** The same value with the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
