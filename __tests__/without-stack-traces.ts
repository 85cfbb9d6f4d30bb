/**
 * Synthesizes without stack traces. cdktf takes one of every token, and Jest
 * maps each to its sources: two thirds of the time of a synth.
 */
export function withoutStackTraces<Result>(synth: () => Result): Result {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => "";
  try {
    return synth();
  } finally {
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
    else Reflect.deleteProperty(Error, "prepareStackTrace");
  }
}
