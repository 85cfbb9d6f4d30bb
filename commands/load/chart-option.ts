import type { EChartsOption } from "echarts";
import { AXIS_LABEL, AXIS_LINE, COLOUR, FONT } from "./chart-style";
import { count, digits } from "./figures";
import { countAxis, IN_FLIGHT, inFlightSeries } from "./in-flight-panel";
import {
  BY_PERCENTILE,
  latencyAxis,
  latencySeries,
  OVER_TIME,
  percentileAxis,
} from "./latency-panels";
import type { LoadResult } from "./load-result";

/** Of the drawing; `chart.ts` decides how many pixels that is. */
export const WIDTH = 1200;
export const HEIGHT = 720;

const LEFT = { left: 76, width: 640 };
const RIGHT = { left: 830, width: 330 };
const UPPER = { top: 156, height: 260 };
const LOWER = { top: 506, height: 150 };

/** Three panels: latency over time, latency by percentile, requests in flight. */
export function chartOption(result: LoadResult): EChartsOption {
  const timeAxis = (gridIndex: number) =>
    ({
      gridIndex,
      type: "value",
      min: 0,
      max: result.plan.durationSeconds,
      // Bars would make room for themselves, beside the panel above.
      containShape: false,
      axisLabel: { ...AXIS_LABEL, formatter: "{value} s" },
      axisLine: AXIS_LINE,
      axisTick: { show: true, lineStyle: { color: COLOUR.inFlight } },
      splitLine: { show: false },
    }) as const;
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT },
    title: [
      {
        ...text(24, 18, 22, COLOUR.title, 600),
        text: headline(result),
      },
      { ...text(24, 52, 13, COLOUR.text), text: subtitle(result) },
      panelTitle(LEFT.left, UPPER.top, "Latency, by when requests arrived"),
      panelTitle(RIGHT.left, UPPER.top, "Latency, by percentile"),
      panelTitle(LEFT.left, LOWER.top, "Requests in flight"),
      ...keyFigures(result),
    ],
    legend: [
      legend(LEFT.left + 256, UPPER.top, [
        ...["first token p50", "first token p95", "total p50", "total p95"],
      ]),
      ...(result.requests.failed > 0
        ? [legend(LEFT.left + 150, LOWER.top, ["errors, by arrival"])]
        : []),
    ],
    grid: [
      { ...LEFT, ...UPPER },
      { ...RIGHT, ...UPPER },
      { ...LEFT, ...LOWER },
    ],
    xAxis: [timeAxis(OVER_TIME), percentileAxis(result), timeAxis(IN_FLIGHT)],
    yAxis: [
      latencyAxis(OVER_TIME, result),
      latencyAxis(BY_PERCENTILE, result),
      countAxis(result),
    ],
    series: [
      ...latencySeries(result, "firstToken", "first token"),
      ...latencySeries(result, "total", "total"),
      ...inFlightSeries(result),
    ] as NonNullable<EChartsOption["series"]> & readonly unknown[],
  };
}

function text(
  left: number,
  top: number,
  fontSize: number,
  color: string,
  fontWeight = 400,
) {
  // ECharts keeps 5 pixels around a title.
  return {
    left: left - 5,
    top: top - 5,
    textStyle: { fontFamily: FONT, fontSize, color, fontWeight },
  };
}

function legend(left: number, top: number, data: string[]) {
  return {
    ...{ left, data, top: top - 41 },
    ...{ itemWidth: 22, itemHeight: 8, itemGap: 12 },
    itemStyle: { opacity: data.length > 1 ? 0 : 1 },
    textStyle: { ...AXIS_LABEL, fontSize: 11 },
  };
}

function panelTitle(left: number, top: number, title: string) {
  return { ...text(left, top - 40, 14, COLOUR.title, 600), text: title };
}

function headline({ requests, tokens, errors }: LoadResult): string {
  const first = errors[0];
  return [
    `${digits(requests.answeredPerSecond)} requests/s`,
    `${digits(tokens.writtenPerSecond)} tokens/s`,
    count(requests.failed, "error") +
      (first === undefined
        ? ""
        : ` (${errors.length > 1 ? "mostly " : ""}${first.kind})`),
  ].join("  ·  ");
}

function subtitle({
  target,
  plan,
  rate,
  created,
  measuredSeconds,
}: LoadResult) {
  const { host } = new URL(target.url);
  return [
    target.model + (target.runId === undefined ? "" : ` ${target.runId}`),
    host,
    `${digits(rate)} requests/s arriving ${plan.arrivals === "poisson" ? "at random" : "evenly"}` +
      (plan.concurrency === undefined
        ? ""
        : `, for ${plan.concurrency} in flight`),
    `${digits(measuredSeconds)} s`,
    `${created.slice(0, 16).replace("T", " ")} UTC`,
  ].join("  ·  ");
}

/** What fills the fourth corner. */
function keyFigures({ requests, inFlight, queued, plan }: LoadResult) {
  const rows: [string, string][] = [
    ["arrived", requests.arrived.toLocaleString("en-US")],
    ["answered", requests.answered.toLocaleString("en-US")],
    ["errors", requests.failed.toLocaleString("en-US")],
    ["in flight, mean", digits(inFlight.mean)],
    ["in flight, most", String(inFlight.most)],
    ...(queued === null
      ? []
      : ([
          [`found all ${plan.places} places taken`, String(queued.requests)],
        ] as [string, string][])),
  ];
  return [
    panelTitle(RIGHT.left, LOWER.top, "Requests"),
    ...rows.flatMap(([name, value], row) => {
      const top = LOWER.top + row * 25;
      return [
        { ...text(RIGHT.left, top, 13, COLOUR.text), text: name },
        {
          ...text(RIGHT.left + RIGHT.width, top, 13, COLOUR.title, 600),
          text: value,
          textAlign: "right" as const,
        },
      ];
    }),
  ];
}
