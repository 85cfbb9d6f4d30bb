/** How far a run has come, from the markers that it leaves in the bucket. */
export interface TrainingProgress {
  /** The first phase without a marker. */
  readonly phase: "training" | "evaluating" | "merging" | "publishing";

  /** Optimizer steps of the newest complete checkpoint. */
  readonly step: number;
}

/** @param names - of objects, below the run's checkpoints. */
export function progressOf(names: readonly string[]): TrainingProgress {
  const steps = names.map((name) =>
    Number(/^step-(\d+)\/_COMPLETE$/.exec(name)?.[1] ?? 0),
  );
  const step = Math.max(0, ...steps);
  if (names.includes("staging/manifest.json")) {
    return { phase: "publishing", step };
  }
  if (names.includes("_EVALUATED")) return { phase: "merging", step };
  if (names.includes("_TRAINED")) return { phase: "evaluating", step };
  return { phase: "training", step };
}

/**
 * Whether a run is where it was. One that starts over because its inputs changed
 * is not: that happens once, and not again and again.
 */
export function standsStill(
  before: TrainingProgress,
  now: TrainingProgress,
): boolean {
  return now.phase === before.phase && now.step === before.step;
}

/** Where a run is, to be read after "failed" or "was interrupted". */
export function whereabouts({ phase, step }: TrainingProgress): string {
  if (phase !== "training") return `while ${phase}`;
  return step > 0
    ? `while training, after its checkpoint of step ${step}`
    : "before its first checkpoint";
}
