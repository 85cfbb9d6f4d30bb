import { z } from "zod";

const badInput = z.object({
  exit_code: z.literal(2),
  reason: z.string(),
  trainer: z.string(),
  /** Faulty environment variables as they were; null where one was not set. */
  variables: z.record(z.string(), z.string().nullable()).nullish(),
});

const belowBar = z.object({
  exit_code: z.literal(3),
  reason: z.string(),
  trainer: z.string(),
  /** What was asked for when it was judged. */
  bar: z.object({
    metric: z.string(),
    minimum: z.number().nullish(),
    must_beat: z.string().nullish(),
  }),
  metrics: z.record(z.string(), z.unknown()),
  /** Address of the adapter that was trained. */
  adapter: z.string().nullish(),
});

const rejectionSchema = z.discriminatedUnion("exit_code", [badInput, belowBar]);

/** Why a run gave up in a way that trying again does not change: `_REJECTED`. */
export type Rejection = z.infer<typeof rejectionSchema>;
type BelowBar = z.infer<typeof belowBar>;

/** What is asked for now. */
export interface Asked {
  readonly metric: string;

  /** The bar; undefined if there is none. */
  readonly minimum: number | undefined;

  /** `base`, or the address of a published version; undefined if neither. */
  readonly mustBeat: string | undefined;

  /** Environment of the job's container. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The note of an earlier attempt, if it was left by the same trainer: another
 * one might end otherwise.
 *
 * @param note - content of `_REJECTED`, or undefined.
 * @param trainer - source hash of the trainer that would run now.
 */
export function readRejection(
  note: unknown,
  trainer: string,
): Rejection | undefined {
  const parsed = rejectionSchema.safeParse(note);
  return parsed.success && parsed.data.trainer === trainer
    ? parsed.data
    : undefined;
}

/**
 * Whether what is asked for now would be refused for the same reason. The
 * trainer has the same rule, so that neither starts what the other would end.
 */
export function binds(rejection: Rejection, asked: Asked): boolean {
  if (rejection.exit_code === 3) return staysBelow(rejection, asked);
  // Some variables can be mended without a new run id.
  return Object.entries(rejection.variables ?? {}).every(
    ([name, value]) => (asked.environment[name] ?? null) === value,
  );
}

/** Going by the note alone. Where it does not say, the model is judged again. */
function staysBelow({ bar, metrics }: BelowBar, asked: Asked): boolean {
  const same =
    bar.metric === asked.metric &&
    (bar.minimum ?? undefined) === asked.minimum &&
    (bar.must_beat ?? undefined) === asked.mustBeat;
  if (same) return true;
  if (asked.minimum === undefined) return false;
  const value = metrics[asked.metric];
  return typeof value !== "number" || value < asked.minimum;
}

/**
 * The closing line for a run that such a note ends.
 *
 * @param checkpoints - address of the run's folder with the note.
 */
export function explainRejection(
  rejection: Rejection,
  checkpoints: string,
): string {
  const { reason } = rejection;
  if (rejection.exit_code === 2) {
    return `${reason}. What to do: change what it names in cdktf.json (base, dataset, prompt, completion or training): that makes a new run. To have this very run tried again, delete ${checkpoints}/_REJECTED`;
  }
  const { bar, metrics, adapter } = rejection;
  const asked = [
    bar.minimum == null ? "" : `${bar.metric} of at least ${bar.minimum}`,
    bar.must_beat == null ? "" : `better than ${bar.must_beat}`,
  ].filter(Boolean);
  const lower = [
    bar.minimum == null ? "" : "lower promotion.minimum",
    bar.must_beat == null ? "" : "change promotion.mustBeat",
  ].filter(Boolean);
  return [
    `${reason} (asked for: ${asked.join(", ")}; measured: ${measured(metrics)})`,
    `What to do: ${lower.join(" or ")}, which judges this run again without training, or change what the model is trained with (base, dataset or training), which makes a new run`,
    ...(adapter == null ? [] : [`The adapter is kept for 14 days: ${adapter}`]),
    `To have this very run trained again, delete ${checkpoints}`,
  ].join(". ");
}

const SHOWN = [
  "execution_match",
  "normalized_match",
  "exact_match",
  "token_f1",
  "held_out_loss",
];

function measured(metrics: BelowBar["metrics"]): string {
  const all = SHOWN.filter((name) => typeof metrics[name] === "number").map(
    (name) => `${name} ${(metrics[name] as number).toFixed(4)}`,
  );
  return all.join(", ") || "nothing";
}
