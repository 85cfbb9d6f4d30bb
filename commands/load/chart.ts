import { chartOption, HEIGHT, WIDTH } from "./chart-option";
import { drawChart } from "./draw-chart";
import type { LoadResult } from "./load-result";

/** Draws a load test's result as a PNG. */
export function writeChart(result: LoadResult, file: string): void {
  drawChart(chartOption(result), { width: WIDTH, height: HEIGHT }, file);
}
