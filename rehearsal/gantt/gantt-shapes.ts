import type {
  CustomSeriesRenderItemAPI,
  CustomSeriesRenderItemParams,
} from "echarts";
import { COLOUR, FONT } from "../../commands/load/chart-style";
import { seconds } from "./row-name";

/** Colours of bars. */
export const BAR = {
  critical: COLOUR.total,
  other: COLOUR.inFlight,
  start: "#f59e0b",
} as const;

/** A line above the chart. */
export function heading(
  top: number,
  fontSize: number,
  text: string,
  fontWeight = 400,
) {
  const color = fontWeight === 400 ? COLOUR.text : COLOUR.title;
  return {
    left: 18,
    top,
    text,
    textStyle: { fontFamily: FONT, fontSize, fontWeight, color },
  } as const;
}

/** @param data - row, from, to */
export function bars(name: string, data: number[][]) {
  return {
    name,
    type: "custom" as const,
    data,
    encode: { x: [1, 2], y: 0 },
    renderItem: (
      _params: CustomSeriesRenderItemParams,
      api: CustomSeriesRenderItemAPI,
    ) => {
      const [left = 0, middle = 0] = api.coord([api.value(1), api.value(0)]);
      const [right = 0] = api.coord([api.value(2), api.value(0)]);
      return {
        type: "rect" as const,
        shape: {
          x: left,
          y: middle - 6,
          width: Math.max(right - left, 1.5),
          height: 12,
        },
        style: { fill: String(api.visual("color")) },
      };
    },
  };
}

/** Behind a bar: how long, and after which row. */
export function label(
  api: CustomSeriesRenderItemAPI,
  after: number | undefined,
) {
  const [x = 0, y = 0] = api.coord([api.value(1), api.value(0)]);
  return {
    type: "text" as const,
    style: {
      text:
        seconds(Number(api.value(2))) +
        (after === undefined ? "" : `, after ${after + 1}`),
      x: x + 6,
      y,
      textVerticalAlign: "middle" as const,
      fill: COLOUR.text,
      font: `10px ${FONT}`,
    },
  };
}

/** From the end of a critical bar down to the beginning of the next. */
export function link(api: CustomSeriesRenderItemAPI) {
  const from = api.coord([api.value(2), api.value(0)]);
  const to = api.coord([api.value(3), api.value(1)]);
  return {
    type: "polyline" as const,
    shape: { points: [from, [to[0]!, from[1]!], to] },
    style: { stroke: BAR.critical, fill: "none", lineWidth: 1 },
  };
}
