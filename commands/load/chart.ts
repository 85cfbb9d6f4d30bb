import { writeFileSync } from "node:fs";
import { Resvg } from "@resvg/resvg-js";
import { init } from "echarts";
import { chartOption, HEIGHT, WIDTH } from "./chart-option";
import { FONT } from "./chart-style";
import type { LoadResult } from "./load-result";

/** Pixels for one of the drawing: sharp on today's screens. */
const SCALE = 2;

/** Fonts of a package: a server or container may have none. */
const FONT_FILES = ["400Regular", "600SemiBold"].map((weight) =>
  require.resolve(`@expo-google-fonts/inter/${weight}/Inter_${weight}.ttf`),
);

/** Draws a load test's result as a PNG. */
export function writeChart(result: LoadResult, file: string): void {
  const chart = init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: HEIGHT,
  });
  chart.setOption(chartOption(result));
  const svg = chart.renderToSVGString();
  // Timers of an undisposed chart would keep the process running.
  chart.dispose();
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: SCALE },
    font: {
      fontFiles: FONT_FILES,
      loadSystemFonts: false,
      defaultFontFamily: FONT,
    },
  });
  writeFileSync(file, drawing.render().asPng());
}
