import { Failures } from "./failures";
import type { Outcome } from "./flight";
import { InFlight } from "./in-flight";
import { Interval } from "./interval";
import { Latencies } from "./latencies";
import { RequestFailure } from "./request-failure";

/** Arrivals that an interval shall have, and the bounds of how many intervals there are. */
const ARRIVALS = 6;
const FEWEST = 6;
const MOST = 60;

/** Where a `Measurement` begins. */
export interface MeasurementProps {
  /** As `performance.now()` has it. */
  readonly begin: number;
  readonly seconds: number;
  /** Arrivals a second. */
  readonly rate: number;
  /** How many requests the service works on at a time, where that is known. */
  readonly places: number | undefined;
  /** How many are in flight at the beginning. */
  readonly inFlight: number;
}

/**
 * What is seen from a moment on, for a duration, in memory that does not depend
 * on how many requests there are. Latencies are those of requests that arrived
 * in that time, however late their answers; the throughput is of what ended in
 * it, also of requests that began before.
 */
export class Measurement {
  public arrived = 0;
  public cutOff = 0;
  public readonly failures = new Failures();
  public readonly firstToken = new Latencies();
  public readonly total = new Latencies();

  /** First tokens of those that found every place of the service taken, and of the others. */
  public readonly queued = new Latencies();
  public readonly notQueued = new Latencies();

  /** How late requests were sent, which is this machine's own fault. */
  public readonly lateness = new Latencies();

  /** Answers that ended within the measured time, and the tokens of them. */
  public answersInTime = 0;
  public tokensInTime = 0;
  public promptTokensInTime = 0;

  public readonly inFlight: InFlight;
  public readonly intervals: readonly Interval[];
  public readonly intervalSeconds: number;
  private end: number;

  public constructor(private readonly props: MeasurementProps) {
    const { begin, seconds, rate, inFlight } = props;
    const length = Math.min(
      Math.max(Math.round((rate * seconds) / ARRIVALS), FEWEST),
      MOST,
    );
    this.intervalSeconds = seconds / length;
    this.intervals = Array.from({ length }, () => new Interval());
    const milliseconds = this.intervalSeconds * 1000;
    this.inFlight = new InFlight(inFlight, begin, milliseconds, length);
    this.end = begin + seconds * 1000;
  }

  /** Length of the measured time; shorter than planned after `finish`. */
  public get seconds(): number {
    return (this.end - this.props.begin) / 1000;
  }

  public inFlightChanged(count: number): void {
    const now = performance.now();
    if (now <= this.end) {
      this.inFlight.changed(count, now);
    }
  }

  /** Ends the measured time now, if it is not over yet. */
  public finish(inFlight: number): void {
    this.inFlightChanged(inFlight);
    this.end = Math.min(this.end, performance.now());
  }

  /** Counts what became of a request, also of one from before the beginning. */
  public record({ intendedAt, sentAt, others, result }: Outcome): void {
    const { begin, places } = this.props;
    const answer =
      result === "cut off" || result instanceof RequestFailure ? null : result;
    if (answer && answer.endedAt >= begin && answer.endedAt <= this.end) {
      this.answersInTime += 1;
      this.tokensInTime += answer.tokens;
      this.promptTokensInTime += answer.promptTokens;
    }
    if (intendedAt < begin) {
      return;
    }
    this.arrived += 1;
    this.lateness.record(sentAt - intendedAt);
    const interval = this.intervalAt(intendedAt);
    interval.arrived += 1;
    if (result === "cut off") {
      this.cutOff += 1;
    } else if (result instanceof RequestFailure) {
      interval.failed += 1;
      this.failures.add(result);
    } else {
      const first = result.firstTokenAt - intendedAt;
      const total = result.endedAt - intendedAt;
      this.firstToken.record(first);
      this.total.record(total);
      interval.firstToken.record(first);
      interval.total.record(total);
      if (places !== undefined) {
        (others >= places ? this.queued : this.notQueued).record(first);
      }
    }
  }

  private intervalAt(time: number): Interval {
    const number = (time - this.props.begin) / 1000 / this.intervalSeconds;
    return this.intervals[
      Math.min(Math.floor(number), this.intervals.length - 1)
    ]!;
  }
}
