// Loaded before a provisioner (NODE_OPTIONS=--require), in rehearsals only: when it ends it adds a line to the file
// TUNESERVE_CLOCKS, which says how long it waited for answers and between questions; the rest was its own work.
const { appendFileSync } = require("node:fs");
const { subscribe } = require("node:diagnostics_channel");
const { performance } = require("node:perf_hooks");

const script = process.argv[1] ?? "";
const file = process.env.TUNESERVE_CLOCKS;
if (file && /[/\\]provision[/\\][\w-]+\.ts$/.test(script)) {
  let open = 0;
  let since = 0;
  let asking = 0;
  let firstQuestion;
  // https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html#http
  subscribe("http.client.request.start", ({ request }) => {
    const now = performance.now();
    firstQuestion ??= now;
    if (open++ === 0) since = now;
    request.once("close", () => {
      if (--open === 0) asking += performance.now() - since;
    });
  });
  process.on("exit", () => {
    const now = performance.now();
    const { idle } = performance.eventLoopUtilization();
    const record = {
      script,
      began: performance.timeOrigin,
      ended: performance.timeOrigin + now,
      firstQuestion:
        firstQuestion === undefined
          ? null
          : performance.timeOrigin + firstQuestion,
      asking: asking + (open > 0 ? now - since : 0),
      idle,
      cpu: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    };
    appendFileSync(file, `${JSON.stringify(record)}\n`);
  });
}
