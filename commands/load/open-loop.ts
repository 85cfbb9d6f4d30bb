import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { type Arrivals, arrivalTimes } from "./arrivals";
import type { Flight } from "./flight";

/** How requests arrive, and for how long. */
export interface OpenLoopProps {
  readonly flight: Flight;
  readonly arrivals: Arrivals;
  /** Arrivals a second. */
  readonly rate: number;
  /** As `performance.now()` has it. */
  readonly begin: number;
  readonly seconds: number;
  readonly stop: AbortSignal;
  /** @default Math.random */
  readonly random?: () => number;
}

/**
 * Lets requests arrive, whatever becomes of them. Each is sent with the time
 * at which it was to arrive, from which its latency counts: a server that
 * stands still, or this program when it is late, cannot hide in a request that
 * was never made (coordinated omission).
 *
 * @see https://github.com/giltene/wrk2#acknowledgements
 */
export async function openLoop(props: OpenLoopProps): Promise<void> {
  const { flight, arrivals, rate, begin, seconds, stop, random } = props;
  for (const time of arrivalTimes(arrivals, rate, random)) {
    await reach(begin + 1000 * Math.min(time, seconds), stop);
    if (time >= seconds || stop.aborted) {
      return;
    }
    void flight.send(begin + time * 1000);
  }
}

async function reach(time: number, signal: AbortSignal): Promise<void> {
  const left = time - performance.now();
  if (left <= 0) {
    // Late: answers must be read all the same.
    await setImmediate();
    return;
  }
  await sleep(left, undefined, { signal }).catch(() => undefined);
}
