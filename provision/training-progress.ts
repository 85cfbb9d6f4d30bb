/** What a run does after the marker of the phase before it. */
const PHASES = ["training", "evaluating", "merging", "publishing"] as const;

/** How far a run has come, from the markers that it leaves in the bucket. */
export interface TrainingProgress {
  /** The first phase without a marker. */
  readonly phase: (typeof PHASES)[number];

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

/** Whether a run has come further. */
export function advanced(
  before: TrainingProgress,
  now: TrainingProgress,
): boolean {
  const further = PHASES.indexOf(now.phase) - PHASES.indexOf(before.phase);
  return further > 0 || (further === 0 && now.step > before.step);
}

/** Where a run is, to be read after "failed" or "was interrupted". */
export function whereabouts({ phase, step }: TrainingProgress): string {
  if (phase !== "training") return `while ${phase}`;
  return step > 0
    ? `while training, after its checkpoint of step ${step}`
    : "before its first checkpoint";
}
