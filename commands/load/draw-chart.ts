import { writeFileSync } from "node:fs";
import { Resvg } from "@resvg/resvg-js";
import { type EChartsOption, init } from "echarts";
import { FONT } from "./chart-style";

/** Pixels for one of the drawing: sharp on today's screens. */
const SCALE = 2;

/** Fonts of a package: a server or container may have none. */
const FONT_FILES = ["400Regular", "600SemiBold"].map((weight) =>
  require.resolve(`@expo-google-fonts/inter/${weight}/Inter_${weight}.ttf`),
);

/** Draws a chart as a PNG. */
export function drawChart(
  option: EChartsOption,
  size: { readonly width: number; readonly height: number },
  file: string,
): void {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption(option);
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
