import { AXIS_LABEL, COLOUR, SPLIT_LINE } from "./chart-style";
import type { LoadResult } from "./load-result";

/** Position of the panel in the chart's list of grids. */
export const IN_FLIGHT = 2;

/** Requests in flight, the places that the service has for them, and errors. */
export function inFlightSeries({ intervals, plan, requests }: LoadResult) {
  const panel = { xAxisIndex: IN_FLIGHT, yAxisIndex: IN_FLIGHT } as const;
  const middle = ({ begin, end }: (typeof intervals)[number]) =>
    (begin + end) / 2;
  return [
    {
      ...panel,
      type: "line",
      name: "in flight, most",
      step: "middle",
      symbol: "none",
      color: COLOUR.inFlight,
      lineStyle: { width: 1.5 },
      areaStyle: { opacity: 0.35 },
      data: intervals.map((interval) => [
        middle(interval),
        interval.mostInFlight,
      ]),
      ...(plan.places === undefined ? {} : { markLine: places(plan.places) }),
    },
    ...(requests.failed === 0
      ? []
      : [
          {
            ...panel,
            type: "bar",
            name: "errors, by arrival",
            color: COLOUR.error,
            barMaxWidth: 6,
            data: intervals.flatMap((interval) =>
              interval.failed === 0
                ? []
                : [[middle(interval), interval.failed]],
            ),
          } as const,
        ]),
  ] as const;
}

function places(count: number) {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: COLOUR.title, type: "solid", width: 1 },
    label: {
      position: "insideEndTop",
      formatter: `${count} places: more than that wait`,
      color: COLOUR.title,
      fontSize: 11,
    },
    data: [{ yAxis: count }],
  } as const;
}

export function countAxis({ plan, inFlight }: LoadResult) {
  return {
    gridIndex: IN_FLIGHT,
    type: "value",
    minInterval: 1,
    min: 0,
    // The line of the places belongs to the picture.
    ...((plan.places ?? 0) > inFlight.most ? { max: plan.places } : {}),
    axisLabel: AXIS_LABEL,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: SPLIT_LINE,
  } as const;
}
