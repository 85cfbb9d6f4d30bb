import { AXIS_LABEL, AXIS_LINE, COLOUR, SPLIT_LINE } from "./chart-style";
import { latency } from "./figures";
import type { LoadResult } from "./load-result";

/** Positions of the two panels in the chart's list of grids. */
export const OVER_TIME = 0;
export const BY_PERCENTILE = 1;

const SHOWN_PERCENTILES = [50, 75, 90, 95, 98, 99, 99.9];

/** The lines of one latency, over time and by percentile. */
export function latencySeries(
  result: LoadResult,
  which: "firstToken" | "total",
  name: string,
) {
  const color = COLOUR[which];
  // Where nothing was answered the line has a gap; a point alone is a dot.
  const overTime = (p: "p50" | "p95") =>
    result.intervals.map(({ begin, end, [which]: figures }) => [
      (begin + end) / 2,
      figures?.[p] ?? null,
    ]);
  const line = {
    type: "line",
    symbol: "circle",
    symbolSize: 3,
    showAllSymbol: true,
    color,
  } as const;
  return [
    {
      ...line,
      name: `${name} p50`,
      xAxisIndex: OVER_TIME,
      yAxisIndex: OVER_TIME,
      lineStyle: { width: 2.5 },
      data: overTime("p50"),
    },
    {
      ...line,
      name: `${name} p95`,
      xAxisIndex: OVER_TIME,
      yAxisIndex: OVER_TIME,
      lineStyle: { width: 1.5, type: [5, 4], opacity: 0.8 },
      data: overTime("p95"),
    },
    {
      ...line,
      name,
      xAxisIndex: BY_PERCENTILE,
      yAxisIndex: BY_PERCENTILE,
      symbolSize: 6,
      lineStyle: { width: 2.5 },
      label: {
        show: true,
        // The larger one is drawn above: its labels as well.
        position: which === "total" ? "top" : "bottom",
        color,
        fontSize: 11,
        formatter: ({ value }: { value: unknown }) => latency(value as number),
      },
      data: shownPercentiles(result).map((row) => row[which]),
    },
  ];
}

/** Percentiles that so many answers can have: one in a thousand needs a thousand. */
export function shownPercentiles({ percentiles, total }: LoadResult) {
  const count = total?.count ?? 0;
  return percentiles.filter(
    ({ percentile }) =>
      SHOWN_PERCENTILES.includes(percentile) &&
      (percentile === 50 || count * (1 - percentile / 100) >= 1),
  );
}

/**
 * Both panels' axis of latencies: logarithmic where first tokens take
 * milliseconds and whole answers seconds, from zero where all are alike.
 */
export function latencyAxis(gridIndex: number, result: LoadResult) {
  const shown = [
    ...result.intervals.flatMap(({ firstToken, total }) => [
      ...(firstToken ? [firstToken.p50, firstToken.p95] : []),
      ...(total ? [total.p50, total.p95] : []),
    ]),
    ...shownPercentiles(result).flatMap((row) => [row.firstToken, row.total]),
  ];
  const least = Math.min(...shown, 1);
  const most = shown.length === 0 ? 1 : Math.max(...shown);
  return {
    gridIndex,
    ...(most < 10 * least
      ? ({ type: "value", min: 0 } as const)
      : ({
          type: "log",
          min: 10 ** Math.floor(Math.log10(least)),
          max: 10 ** Math.ceil(Math.log10(most)),
        } as const)),
    axisLabel: { ...AXIS_LABEL, formatter: rounded },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: SPLIT_LINE,
  } as const;
}

export function percentileAxis(result: LoadResult) {
  return {
    gridIndex: BY_PERCENTILE,
    type: "category",
    boundaryGap: true,
    data: shownPercentiles(result).map(({ percentile }) => `p${percentile}`),
    axisLabel: { ...AXIS_LABEL, interval: 0 },
    axisTick: { show: false },
    axisLine: AXIS_LINE,
  } as const;
}

function rounded(seconds: number): string {
  return seconds === 0 || seconds >= 0.9995
    ? `${Number(seconds.toPrecision(3))} s`
    : `${Number((seconds * 1000).toPrecision(3))} ms`;
}
