import { breakdown } from "./breakdown";
import { rowName, seconds, shortened } from "./row-name";
import type { Row, Timeline } from "./timeline";

const NARROW = 80;
const WIDE = 140;

/** Columns of number, seconds and "after", with the spaces between. */
const OTHERS = 4 + 9 + 11;

/**
 * A Gantt chart for a terminal: a row for each resource and provisioner, and below it the critical path.
 *
 * @param columns - of the terminal
 */
export function ganttText(timeline: Timeline, columns: number): string {
  const width = Math.min(Math.max(columns - 2, NARROW), WIDE);
  const nameWidth = Math.floor((width - OTHERS) * 0.55);
  const barWidth = width - OTHERS - nameWidth;
  const { rows, began, ended } = timeline;
  const scale = barWidth / (ended - began);
  const lines = rows.map((row, index) => {
    const name = shortened(rowName(row), nameWidth).padEnd(nameWidth);
    const after = row.after === undefined ? "" : `after ${row.after + 1}`;
    return `${String(index + 1).padStart(3)} ${name} ${bar(row, began, scale, barWidth)} ${seconds(row.ended - row.began).padStart(8)} ${after}`.trimEnd();
  });
  return [
    `The apply, ${seconds(ended - began)}: █ critical path, ▒ not critical, ▶ start of a provisioner's program`,
    ...lines,
    "",
    ...pathText(timeline),
  ]
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

function bar(
  { began, ended, critical, provisioner, time }: Row,
  origin: number,
  scale: number,
  width: number,
): string {
  const column = (at: number) =>
    Math.min(Math.floor((at - origin) * scale), width - 1);
  const cells = Array.from({ length: width }, () => " ");
  cells.fill(critical ? "█" : "▒", column(began), column(ended) + 1);
  if (provisioner && time) {
    const from = column(provisioner.began);
    cells.fill("▶", from, column(provisioner.began + time.startUp) + 1);
  }
  return cells.join("");
}

/** The critical path step by step, and in sum. */
function pathText(timeline: Timeline): string[] {
  const { rows, path } = timeline;
  const sum = breakdown(timeline);
  const part = (ms: number, text: string) =>
    `${seconds(ms).padStart(8)}  ${text}`;
  return [
    "Critical path:",
    part(sum.planning, "Terraform starts and plans"),
    ...path.map((index) => {
      const row = rows[index]!;
      return part(row.ended - row.began, `${rowName(row)}${division(row)}`);
    }),
    "",
    `Of its ${seconds(sum.whole)}:`,
    part(sum.planning + sum.terraform, "Terraform: plan, state, between steps"),
    part(sum.provider, "resources of the provider"),
    part(sum.asking, "provisioners, waiting for answers of APIs"),
    part(
      sum.pausing,
      "provisioners, between questions about what was not done",
    ),
    part(
      sum.own,
      `provisioners' own programs: what the stack adds (${seconds(sum.startUp)} of it their start, ${seconds(sum.cpu)} processor time)`,
    ),
  ];
}

function division({ time }: Row): string {
  return time === undefined
    ? ""
    : ` (${seconds(time.asking)} answers, ${seconds(time.pausing)} pauses, ${seconds(time.own)} own)`;
}
