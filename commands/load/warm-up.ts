import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../command-line";
import { Failures } from "./failures";
import type { Flight } from "./flight";
import { Latencies } from "./latencies";
import { RequestFailure } from "./request-failure";

/** Pause after a request that failed: refusals come back at once. */
const PAUSE_MS = 500;

/**
 * Keeps a number of requests in flight, each followed by another, until the
 * seconds are over and the number has been answered a second time. What is in
 * flight then stays so.
 *
 * @returns the rate of arrivals at which that number is in flight, by Little's
 * law the number divided by the mean time of a request; none when stopped
 * @throws CommandError when more fails than is answered
 * @see https://en.wikipedia.org/wiki/Little%27s_law
 */
export async function warmUp(
  flight: Flight,
  concurrency: number,
  seconds: number,
  stop: AbortSignal,
): Promise<number | undefined> {
  const until = performance.now() + seconds * 1000;
  const times = new Latencies();
  const failures = new Failures();
  let sent = 0;
  let answered = 0;
  let over = false;

  const oneAfterAnother = async () => {
    while (!over && !stop.aborted) {
      // The first ones find an idle server: their times are of another load.
      const first = sent++ < concurrency;
      const { sentAt, result } = await flight.send(performance.now());
      if (result instanceof RequestFailure) {
        failures.add(result);
        over ||= failures.count > answered && failures.count >= concurrency;
        await sleep(over ? 0 : PAUSE_MS);
      } else if (result !== "cut off") {
        answered += 1;
        if (!first) times.record(result.endedAt - sentAt);
        over ||= times.count >= concurrency && performance.now() >= until;
      }
    }
  };
  // The first that sees the end: the others' requests are still in flight.
  await Promise.race(Array.from({ length: concurrency }, oneAfterAnother));
  if (stop.aborted) {
    return undefined;
  }
  if (failures.count > answered) {
    throw hopeless(failures, answered);
  }
  return concurrency / times.figures()!.mean;
}

function hopeless(failures: Failures, answered: number): CommandError {
  const [{ kind, example } = { kind: "", example: "" }] = failures.byKind;
  return new CommandError(
    `Warming up, ${failures.count} of ${failures.count + answered} requests failed, so nothing was measured. Mostly ${kind}: ${example}`,
  );
}
