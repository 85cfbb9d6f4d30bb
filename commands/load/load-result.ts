import type { FailuresOfAKind } from "./failures";
import type { LatencyFigures, Latencies } from "./latencies";
import type { LoadPlan } from "./load-plan";
import type { MeasuredLoad } from "./run-load";

/** Who was asked. */
export interface LoadTarget {
  readonly url: string;
  readonly model: string;
  /** Of the version that is served, where the server tells it. */
  readonly runId?: string;
  /** Until the first answer of any kind: the cold start, if there was one. */
  readonly startSeconds: number;
}

/** What a load test has found: the content of the `--json` file. Times in seconds. */
export interface LoadResult {
  readonly format: 1;
  readonly created: string;
  readonly target: LoadTarget;
  readonly plan: LoadPlan;
  readonly interrupted: boolean;
  /** Arrivals a second. */
  readonly rate: number;
  readonly measuredSeconds: number;
  readonly requests: {
    readonly arrived: number;
    readonly answered: number;
    readonly failed: number;
    readonly cutOff: number;
    readonly answeredPerSecond: number;
  };
  readonly tokens: {
    readonly written: number;
    readonly writtenPerSecond: number;
    readonly readPerSecond: number;
  };
  readonly errors: readonly FailuresOfAKind[];
  readonly firstToken: LatencyFigures | null;
  readonly total: LatencyFigures | null;
  readonly inFlight: { readonly mean: number; readonly most: number };
  /** Only where it is known how many requests the service works on at a time. */
  readonly queued: {
    readonly requests: number;
    readonly firstToken: LatencyFigures | null;
    readonly firstTokenOfOthers: LatencyFigures | null;
  } | null;
  readonly sentLate: LatencyFigures | null;
  /** Latency by percentile. */
  readonly percentiles: readonly {
    readonly percentile: number;
    readonly firstToken: number;
    readonly total: number;
  }[];
  /** By when requests arrived. */
  readonly intervals: readonly {
    readonly begin: number;
    readonly end: number;
    readonly arrived: number;
    readonly failed: number;
    readonly mostInFlight: number;
    readonly firstToken: IntervalLatency | null;
    readonly total: IntervalLatency | null;
  }[];
}

interface IntervalLatency {
  readonly p50: number;
  readonly p95: number;
}

const PERCENTILES = [1, 5, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9];

/** Puts a measurement into figures. */
export function loadResult(
  { rate, measurement }: MeasuredLoad,
  target: LoadTarget,
  plan: LoadPlan,
  interrupted: boolean,
): LoadResult {
  const m = measurement;
  const perSecond = (count: number) => count / Math.max(m.seconds, 1e-3);
  return {
    format: 1,
    created: new Date().toISOString(),
    target,
    plan,
    interrupted,
    rate,
    measuredSeconds: m.seconds,
    requests: {
      arrived: m.arrived,
      answered: m.total.count,
      failed: m.failures.count,
      cutOff: m.cutOff,
      answeredPerSecond: perSecond(m.answersInTime),
    },
    tokens: {
      written: m.tokensInTime,
      writtenPerSecond: perSecond(m.tokensInTime),
      readPerSecond: perSecond(m.promptTokensInTime),
    },
    errors: m.failures.byKind,
    firstToken: m.firstToken.figures() ?? null,
    total: m.total.figures() ?? null,
    inFlight: { mean: m.inFlight.mean, most: m.inFlight.most },
    queued:
      plan.places === undefined
        ? null
        : {
            requests: m.queued.count,
            firstToken: m.queued.figures() ?? null,
            firstTokenOfOthers: m.notQueued.figures() ?? null,
          },
    sentLate: m.lateness.figures() ?? null,
    percentiles: PERCENTILES.flatMap((percentile) => {
      const firstToken = m.firstToken.percentile(percentile);
      const total = m.total.percentile(percentile);
      return firstToken === undefined || total === undefined
        ? []
        : [{ percentile, firstToken, total }];
    }),
    intervals: m.intervals.flatMap((interval, number) => {
      const begin = number * m.intervalSeconds;
      return begin >= m.seconds
        ? []
        : [
            {
              begin,
              end: begin + m.intervalSeconds,
              arrived: interval.arrived,
              failed: interval.failed,
              mostInFlight: m.inFlight.mostByPart[number] ?? 0,
              firstToken: latency(interval.firstToken),
              total: latency(interval.total),
            },
          ];
    }),
  };
}

function latency(latencies: Latencies): IntervalLatency | null {
  const p50 = latencies.percentile(50);
  const p95 = latencies.percentile(95);
  return p50 === undefined || p95 === undefined ? null : { p50, p95 };
}
