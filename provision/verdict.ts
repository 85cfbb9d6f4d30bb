import { z } from "zod";

const verdictSchema = z.object({
  exit_code: z.literal([2, 3]),
  reason: z.string(),
  trainer: z.string(),
  metric: z.string().nullable(),
  value: z.number().nullable(),
  /** Faulty environment variables as they were; null where one was not set. */
  variables: z.record(z.string(), z.string().nullable()).default({}),
});

/** Why a run gave up in a way that trying again does not change. */
export type Verdict = z.infer<typeof verdictSchema>;

/** What is asked for now. */
export interface Asked {
  /** Source hash of the trainer. */
  readonly trainer: string;
  readonly metric: string;

  /** The bar; undefined if there is none. */
  readonly minimum: number | undefined;

  /** Environment of the job's container. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The verdict, if it still holds: the same code would end the same way, and a
 * model below the bar stays below it unless the bar is lowered. The trainer has
 * the same rule, so that neither starts what the other would end.
 *
 * @param note - content of `verdict.json`, or undefined.
 */
export function bindingVerdict(
  note: unknown,
  { trainer, metric, minimum, environment }: Asked,
): Verdict | undefined {
  const parsed = verdictSchema.safeParse(note);
  if (!parsed.success || parsed.data.trainer !== trainer) return undefined;
  const verdict = parsed.data;
  if (verdict.exit_code === 2) {
    // Some variables can be mended without a new run id.
    const same = Object.entries(verdict.variables).every(
      ([name, value]) => (environment[name] ?? null) === value,
    );
    return same ? verdict : undefined;
  }
  if (minimum === undefined || verdict.metric !== metric) return undefined;
  return verdict.value === null || verdict.value < minimum
    ? verdict
    : undefined;
}

/** The closing line for a run that such a verdict ends. */
export function explainVerdict(
  { exit_code, reason }: Verdict,
  address: string,
): string {
  const remedy =
    exit_code === 2
      ? "change what it names in cdktf.json (base, dataset, prompt, completion or training): that makes a new run"
      : "lower promotion.minimum, or change what the model is trained with (base, dataset or training), which makes a new run";
  return `${reason}. What to do: ${remedy}. To have this very run tried again, delete ${address}`;
}
