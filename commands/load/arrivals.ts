/** How requests arrive: at random, as independent callers do, or evenly. */
export type Arrivals = "poisson" | "fixed";

/**
 * When requests are to start, in seconds from the beginning, without end. The
 * rate alone decides, no answer is waited for: an open model. Between arrivals
 * of a Poisson process lie exponentially distributed gaps.
 *
 * @param rate - arrivals a second
 * @param random - from 0 to below 1; @default Math.random
 * @see https://grafana.com/docs/k6/latest/using-k6/scenarios/concepts/open-vs-closed/
 */
export function* arrivalTimes(
  arrivals: Arrivals,
  rate: number,
  random: () => number = Math.random,
): Generator<number, never> {
  for (let time = 0; ; ) {
    yield time;
    time += (arrivals === "fixed" ? 1 : -Math.log(1 - random())) / rate;
  }
}
