/** What the panels of the chart have in common. */
export const COLOUR = {
  firstToken: "#0f766e",
  total: "#4338ca",
  inFlight: "#94a3b8",
  error: "#dc2626",
  title: "#0f172a",
  text: "#475569",
  lines: "#e2e8f0",
} as const;

export const FONT = "Inter";

export const AXIS_LABEL = { color: COLOUR.text, fontSize: 12 } as const;
export const SPLIT_LINE = {
  lineStyle: { color: COLOUR.lines },
} as const;
export const AXIS_LINE = {
  show: true,
  lineStyle: { color: COLOUR.inFlight },
} as const;
