import { createHash } from "node:crypto";
import type { ModelSettings } from "./model-settings";
import { adaptedModules, effectivePrecision } from "./training-settings";

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
    dataset: rows(model.dataset),
    prompt: model.prompt,
    completion: model.completion,
    hyperparameters: hyperparameters(training),
  };
  return createHash("sha256")
    .update(JSON.stringify(sorted(decides)))
    .digest("hex")
    .slice(0, 12);
}

/** Of the two ways to name columns, the one in use. */
function rows({ columns, messages, ...dataset }: ModelSettings["dataset"]) {
  return dataset.format === "columns"
    ? { ...dataset, columns }
    : { ...dataset, messages };
}

function hyperparameters(training: ModelSettings["training"]) {
  return {
    lora: { ...training.lora, targetModules: adaptedModules(training) },
    startFrom: training.startFrom ?? null,
    learningRate: training.learningRate,
    scheduler: training.scheduler,
    warmupRatio: training.warmupRatio,
    weightDecay: training.weightDecay,
    maxGradNorm: training.maxGradNorm,
    epochs: training.epochs,
    maxSteps: training.maxSteps,
    // One step sees two documents, be they 1 x 2 or 2 x 1.
    documentsPerStep: training.batchSize * training.gradientAccumulationSteps,
    maxSeqLength: training.maxSeqLength,
    seed: training.seed,
    basePrecision: effectivePrecision(training),
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
