import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { drawChart } from "../../commands/load/draw-chart";
import { readApplyLog } from "./apply-steps";
import { readDependencies } from "./dependencies";
import { ganttChart, height, WIDTH } from "./gantt-chart";
import { ganttText } from "./gantt-text";
import { timeline } from "./timeline";

const CLOCK = join(__dirname, "provisioner-clock.cjs");

/** Environment in which every provisioner leaves a line in a file when it ends. */
export function clocked(file: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--require ${JSON.stringify(CLOCK)}`,
    TUNESERVE_CLOCKS: file,
  };
}

/** What {@link applyGantt} draws. */
export interface ApplyGanttProps {
  readonly title: string;

  /** What `terraform apply -json` printed. */
  readonly log: string;

  /** What `terraform graph` printed. */
  readonly graph: string;

  /** The file of {@link clocked}. */
  readonly clocks: string;

  /** The PNG to write. */
  readonly png: string;

  /** @default 100, without a terminal */
  readonly columns: number | undefined;
}

/** @returns the chart for a terminal, after writing the PNG */
export function applyGantt(props: ApplyGanttProps): string {
  const { title, log, graph, clocks, png, columns = 100 } = props;
  const line = timeline(
    readApplyLog(log),
    readDependencies(graph),
    existsSync(clocks) ? readFileSync(clocks, "utf8") : "",
  );
  drawChart(
    ganttChart(line, title),
    { width: WIDTH, height: height(line) },
    png,
  );
  return `${ganttText(line, columns)}\n  As a picture: ${png}`;
}
