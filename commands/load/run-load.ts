import { Flight, type FlightProps } from "./flight";
import type { LoadPlan } from "./load-plan";
import { Measurement } from "./measurement";
import { openLoop } from "./open-loop";
import { warmUp } from "./warm-up";

/** What `runLoad` is given. */
export interface RunLoadProps
  extends Pick<FlightProps, "exchange" | "prompts"> {
  readonly plan: LoadPlan;
  /** Ends everything early; what was measured until then is the result. */
  readonly stop: AbortSignal;
  /** Told what it is doing. */
  readonly now: (state: LoadState) => void;
}

/** How far a load test is. */
export interface LoadState {
  readonly phase: "warming up" | "measuring" | "last answers";
  /** Of the phase, as `performance.now()` has it. */
  readonly since: number;
  readonly flight: Flight;
}

/** A load test's measurement, and the rate of arrivals it was made at. */
export interface MeasuredLoad {
  readonly rate: number;
  readonly measurement: Measurement;
}

/**
 * Warms up, then lets requests arrive for the plan's duration and waits for
 * their answers.
 *
 * @returns none when it was stopped before anything was measured
 * @throws CommandError when the warm-up shows that nothing is answered
 */
export async function runLoad(
  props: RunLoadProps,
): Promise<MeasuredLoad | undefined> {
  const { plan, exchange, prompts, stop, now } = props;
  let measurement: Measurement | undefined;
  const flight = new Flight({
    exchange,
    prompts,
    timeoutSeconds: plan.timeoutSeconds,
    changed: (count) => measurement?.inFlightChanged(count),
    landed: (outcome) => measurement?.record(outcome),
  });
  const cutOff = () => void flight.cutOff();
  stop.addEventListener("abort", cutOff);
  try {
    now({ phase: "warming up", since: performance.now(), flight });
    const rate = await rateOf(flight, plan, stop);
    if (rate === undefined || stop.aborted) {
      return undefined;
    }
    const begin = performance.now();
    const seconds = plan.durationSeconds;
    measurement = new Measurement({
      begin,
      seconds,
      rate,
      places: plan.places,
      inFlight: flight.count,
    });
    now({ phase: "measuring", since: begin, flight });
    const { arrivals } = plan;
    await openLoop({ flight, arrivals, rate, begin, seconds, stop });
    measurement.finish(flight.count);
    now({ phase: "last answers", since: performance.now(), flight });
    await flight.landing();
    return { rate, measurement };
  } finally {
    stop.removeEventListener("abort", cutOff);
    await flight.cutOff();
  }
}

/** The plan's rate after a warm-up at it, or the one that its concurrency means. */
async function rateOf(
  flight: Flight,
  plan: LoadPlan,
  stop: AbortSignal,
): Promise<number | undefined> {
  const { rate, concurrency, arrivals, warmUpSeconds: seconds } = plan;
  if (rate === undefined) {
    return warmUp(flight, concurrency!, seconds, stop);
  }
  await openLoop({
    ...{ flight, arrivals, rate, seconds, stop },
    begin: performance.now(),
  });
  return rate;
}
