import { isObject, type Json, own } from "../json";

/** What an earlier run's `metrics.json` says about its time. */
export interface LastMetrics {
  /** Seconds of the training itself and of the answers that were judged. */
  readonly seconds: number;

  /** What it ran on, such as `NVIDIA L4`. */
  readonly device: string | undefined;
}

/**
 * Reads `metrics.json` of a published version. What it does not time is the
 * loading of the base, the merging and the publishing.
 */
export function lastMetrics(json: unknown): LastMetrics | undefined {
  const trained = own(json, "train_seconds");
  if (!isNumber(trained)) return undefined;
  const device = own(json, "device");
  return {
    seconds: trained + judging(json) + judging(own(json, "base")),
    device: typeof device === "string" ? device : undefined,
  };
}

/** Answers and their judgement, also those with examples in the prompt. */
function judging(metrics: unknown): number {
  if (!isObject(metrics)) return 0;
  const parts = [metrics, own(metrics, "with_examples")].filter(isObject);
  return parts
    .flatMap((part: Json) => [
      own(part, "generation_seconds"),
      own(part, "scoring_seconds"),
    ])
    .filter(isNumber)
    .reduce((sum, seconds) => sum + seconds, 0);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
