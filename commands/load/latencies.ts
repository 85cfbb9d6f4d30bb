import { build, type Histogram } from "hdr-histogram-js";

const HOUR_US = 3_600_000_000;

/** The figures of a latency that are shown, in seconds. */
export interface LatencyFigures {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

/**
 * Any number of latencies, in memory that does not grow with it: counts in an
 * HdrHistogram, from a microsecond to an hour.
 *
 * @see https://github.com/HdrHistogram/HdrHistogramJS
 */
export class Latencies {
  private readonly histogram: Histogram;

  /** @param digits - how exact values are: 3 means to a thousandth */
  public constructor(digits: 2 | 3 = 3) {
    this.histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: HOUR_US,
      numberOfSignificantValueDigits: digits,
    });
  }

  public get count(): number {
    return this.histogram.totalCount;
  }

  public record(milliseconds: number): void {
    const us = Math.round(milliseconds * 1000);
    this.histogram.recordValue(Math.min(Math.max(us, 1), HOUR_US));
  }

  /** In seconds; undefined where nothing was recorded. */
  public percentile(percent: number): number | undefined {
    // The histogram answers with the upper end of a bucket.
    const us = Math.min(
      this.histogram.getValueAtPercentile(percent),
      this.histogram.maxValue,
    );
    return this.count === 0 ? undefined : us / 1e6;
  }

  public figures(): LatencyFigures | undefined {
    if (this.count === 0) return undefined;
    return {
      count: this.count,
      mean: this.histogram.mean / 1e6,
      p50: this.percentile(50)!,
      p95: this.percentile(95)!,
      p99: this.percentile(99)!,
      most: this.histogram.maxValue / 1e6,
    };
  }
}
