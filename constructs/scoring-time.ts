/** The untrained base is asked with and without examples, for 0.2 each. */
const BASE_SHARES = 0.4;

/**
 * What scoring takes of an attempt, for each second of `evaluationSeconds`: the
 * trained model's answers, those of the base and, where a published version has
 * to be beaten that was judged on other rows, that version's.
 */
export function scoringShare(mustBeat: unknown): number {
  const versions = mustBeat === undefined || mustBeat === "base" ? 1 : 2;
  return versions + BASE_SHARES;
}
