import { type GoldenPrompt } from "./golden-answers";

/**
 * How far a served model may be from the one that was scored. Rounding of
 * bfloat16, other kernels and other batches stay well below, other weights or
 * settings do not: docs/parity.md has figures.
 */
export const BARS = {
  /** Nats between a golden token and the server's first choice. */
  gap: 0.5,

  /** Nats between the two log-probabilities of a token, on average. */
  meanDifference: 0.05,
} as const;

/** vLLM's `prompt_logprobs` of one position: by token id, the first choice among them. */
export type PositionLogprobs = Readonly<
  Record<string, { logprob: number; decoded_token?: string | null }>
> | null;

/** What a server makes of one golden answer. */
export interface Reading {
  readonly prompt: GoldenPrompt;

  /** By token of the answer: nats below the server's first choice. */
  readonly gaps: readonly number[];

  /** By token: nats between its two log-probabilities. */
  readonly differences: readonly number[];

  /** The token that is furthest from the first choice, as text, and that choice. */
  readonly worst: { golden: string; first: string; place: number };
}

/**
 * @param positions - of the whole sequence, prompt and golden answer.
 * @returns undefined if log-probabilities are missing.
 */
export function readingOf(
  prompt: GoldenPrompt,
  positions: readonly PositionLogprobs[],
): Reading | undefined {
  const answer = positions.slice(-prompt.token_ids.length);
  const gaps: number[] = [];
  const differences: number[] = [];
  let worst = { golden: "", first: "", place: 0 };
  for (const [place, token] of prompt.token_ids.entries()) {
    const choices = answer[place];
    const own = choices?.[token];
    if (!choices || !own || answer.length < prompt.token_ids.length) {
      return undefined;
    }
    const first = Object.values(choices).reduce((a, b) =>
      b.logprob > a.logprob ? b : a,
    );
    const gap = first.logprob - own.logprob;
    if (place === 0 || gap > Math.max(...gaps)) {
      const text = (choice: typeof own) => choice.decoded_token ?? "?";
      worst = { golden: text(own), first: text(first), place };
    }
    gaps.push(gap);
    differences.push(Math.abs(own.logprob - (prompt.logprobs[place] ?? 0)));
  }
  return { prompt, gaps, differences, worst };
}

/** All golden answers at one concurrency. */
export interface Parity {
  readonly concurrency: number;
  readonly readings: readonly Reading[];
  readonly largestGap: number;
  readonly meanDifference: number;
  readonly tokens: number;

  /** Readings with a token beyond the bar, the furthest first. */
  readonly beyond: readonly Reading[];
  readonly passed: boolean;
}

export function parityOf(
  concurrency: number,
  readings: readonly Reading[],
): Parity {
  const differences = readings.flatMap((reading) => reading.differences);
  const meanDifference =
    differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const furthest = ({ gaps }: Reading) => Math.max(...gaps);
  const sorted = [...readings].sort((a, b) => furthest(b) - furthest(a));
  const beyond = sorted.filter((reading) => furthest(reading) > BARS.gap);
  return {
    concurrency,
    readings,
    largestGap: Math.max(...readings.map(furthest)),
    meanDifference,
    tokens: differences.length,
    beyond,
    passed: beyond.length === 0 && meanDifference <= BARS.meanDifference,
  };
}

/** The figures of a parity, beside their bars. */
export function figures({
  concurrency,
  largestGap,
  meanDifference,
}: Parity): string {
  return `at concurrency ${concurrency} golden tokens are at most ${largestGap.toFixed(3)} nats below the server's first choice (allowed ${BARS.gap}), and log-probabilities differ by ${meanDifference.toFixed(4)} on average (allowed ${BARS.meanDifference})`;
}
