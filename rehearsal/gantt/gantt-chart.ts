import type { EChartsOption } from "echarts";
import { AXIS_LABEL, COLOUR, FONT } from "../../commands/load/chart-style";
import { breakdown } from "./breakdown";
import { BAR, bars, heading, label, link } from "./gantt-shapes";
import { rowName, seconds, shortened } from "./row-name";
import type { Timeline } from "./timeline";

export const WIDTH = 1400;
const ROW_HEIGHT = 20;
const TOP = 130;
const BOTTOM = 50;
const NAMES = 420;

/** Of the names of rows, whose font is 11 pixels high. */
const NAME_LETTERS = 64;

export function height({ rows }: Timeline): number {
  return TOP + rows.length * ROW_HEIGHT + BOTTOM;
}

/** A bar for each resource and provisioner, lines along the critical path. */
export function ganttChart(timeline: Timeline, title: string): EChartsOption {
  const { rows, began, ended, path } = timeline;
  const at = (ms: number) => (ms - began) / 1000;
  const sum = breakdown(timeline);
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT },
    title: [
      heading(18, 22, `${title}: ${seconds(ended - began)}`, 600),
      heading(
        50,
        13,
        `Critical path: ${seconds(sum.planning + sum.terraform)} Terraform  ·  ${seconds(sum.provider)} provider  ·  ` +
          `${seconds(sum.asking)} answers of APIs  ·  ${seconds(sum.pausing)} pauses between questions  ·  ` +
          `${seconds(sum.own)} the provisioners' own programs (${seconds(sum.startUp)} their start)`,
      ),
    ],
    legend: {
      top: 78,
      left: 18,
      selectedMode: false,
      itemGap: 24,
      textStyle: AXIS_LABEL,
      data: ["critical path", "not critical", "a provisioner's program starts"],
    },
    color: [BAR.critical, BAR.other, BAR.start],
    grid: { left: NAMES, right: 150, top: TOP, bottom: BOTTOM },
    xAxis: {
      type: "value",
      min: 0,
      max: at(ended),
      axisLabel: {
        ...AXIS_LABEL,
        formatter: (value) => `${+value.toFixed(1)} s`,
      },
      splitLine: { lineStyle: { color: COLOUR.lines } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(
        (row, index) =>
          `${shortened(rowName(row), NAME_LETTERS)}  ${index + 1}`,
      ),
      axisLabel: { ...AXIS_LABEL, fontSize: 11, interval: 0 },
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [
      bars(
        "critical path",
        rows.flatMap((row, index) =>
          row.critical ? [[index, at(row.began), at(row.ended)]] : [],
        ),
      ),
      bars(
        "not critical",
        rows.flatMap((row, index) =>
          row.critical ? [] : [[index, at(row.began), at(row.ended)]],
        ),
      ),
      bars(
        "a provisioner's program starts",
        rows.flatMap(({ provisioner, time }, index) =>
          provisioner && time
            ? [
                [
                  index,
                  at(provisioner.began),
                  at(provisioner.began + time.startUp),
                ],
              ]
            : [],
        ),
      ),
      {
        type: "custom",
        silent: true,
        data: rows.map((row, index) => [
          index,
          at(row.ended),
          row.ended - row.began,
        ]),
        renderItem: (_params, api) =>
          label(api, rows[Number(api.value(0))]!.after),
        encode: { x: 1, y: 0 },
      },
      {
        type: "custom",
        silent: true,
        data: path
          .slice(1)
          .map((index, step) => [
            path[step]!,
            index,
            at(rows[path[step]!]!.ended),
            at(rows[index]!.began),
          ]),
        renderItem: (_params, api) => link(api),
        encode: { x: [2, 3], y: 0 },
      },
    ],
  };
}
