import { writeFileSync } from "node:fs";
import { withProgress } from "../rehearsal/progress";
import { callerToken } from "./ask/caller-token";
import { servedAddress, settingsOfModel } from "./ask/served-model";
import { serviceAddress } from "./ask/service-address";
import { serviceCall } from "./ask/service-call";
import { type Command, readCommandLine, runAsProcess } from "./command-line";
import { http as httpClient } from "./http";
import { writeChart } from "./load/chart";
import { connections } from "./load/connections";
import { Interruption } from "./load/interruption";
import { loadPlan } from "./load/load-plan";
import { loadResult } from "./load/load-result";
import { findTarget } from "./load/load-target";
import { loadProgress } from "./load/load-progress";
import { builtInPrompts, repeated } from "./load/prompts";
import { readPrompts } from "./load/prompts-file";
import { report } from "./load/report";
import { type LoadState, runLoad } from "./load/run-load";
import { streamingRequest } from "./load/streaming-request";
import type { Surroundings } from "./surroundings";
import { requireWritable } from "./load/require-writable";
import { ENVIRONMENT, MODEL } from "./settings-options";

const OPTIONS = {
  concurrency: {
    type: "string",
    value: "N",
    text: "let requests arrive at the rate at which N are in flight",
  },
  rate: {
    type: "string",
    value: "N",
    text: "instead: let N requests arrive a second",
  },
  arrivals: {
    type: "string",
    value: "KIND",
    text: "poisson: at random, as independent callers do (default); fixed: evenly",
  },
  duration: {
    type: "string",
    value: "SECONDS",
    text: "how long to measure (default 30)",
  },
  "warm-up": {
    type: "string",
    value: "SECONDS",
    text: "how long to warm up before (default 10)",
  },
  prompts: {
    type: "string",
    value: "FILE.jsonl",
    text: 'lines with "prompt", "messages" or the template\'s columns (default: built-in questions)',
  },
  "max-tokens": {
    type: "string",
    value: "N",
    text: "most tokens of an answer (default 256)",
  },
  places: {
    type: "string",
    value: "N",
    text: "how many requests the service works on at a time (default: maxNumSeqs x maxInstances)",
  },
  chart: {
    type: "string",
    value: "FILE.png",
    text: "where the chart goes (default load.png)",
  },
  json: {
    type: "string",
    value: "FILE.json",
    text: "write the figures there as well",
  },
  url: {
    type: "string",
    value: "URL",
    text: "a server's address instead of the deployed service",
  },
  environment: ENVIRONMENT,
  model: MODEL,
  timeout: {
    type: "string",
    value: "SECONDS",
    text: "how long to wait for an answer, also for a start from zero (default 300)",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "load",
  summary:
    "Loads the served model with requests that arrive whether or not earlier ones are answered (open loop), and\n" +
    "prints throughput, latency and errors. A request's latency counts from when it was to start.\n" +
    "Exit code: 0 without errors, 1 with some, 2 for a wrong command line, 130 after Ctrl-C.",
  options: OPTIONS,
};

/** `npm run load`. */
export async function load(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    http = httpClient(),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (!line) {
    return 0;
  }
  const { values } = line;
  const { environment, model, json, chart = "load.png" } = values;
  const asked = loadPlan(values);
  // Now, and not when there is something to lose.
  requireWritable("chart", chart);
  if (json !== undefined) requireWritable("json", json);
  const url = serviceAddress(
    values.url ?? servedAddress(root, env, environment, model),
  );
  const settings = settingsOfModel(root, env, environment, model);
  const plan =
    values.url === undefined ? { places: settings.places, ...asked } : asked;
  const say = (text: string) => console.error(text);
  const deadlineSeconds = plan.timeoutSeconds;
  const server = { url, http, deadlineSeconds, say };
  const token = await callerToken({ ...server, env, path: "/v1/models" });
  const call = serviceCall({ ...server, token });
  const { template, chat, ...target } = await findTarget({
    ...{ url, token, call, settings },
  });
  const prompts =
    values.prompts === undefined
      ? builtInPrompts({ template, chat })
      : repeated(readPrompts(values.prompts, { template, chat }));

  const interruption = new Interruption();
  const agent = connections(url);
  const { maxTokens } = plan;
  let state: LoadState | undefined;
  const measured = await withProgress(
    `Load on ${target.model}`.slice(0, 24),
    () => loadProgress(state, plan),
    runLoad({
      plan,
      prompts,
      exchange: streamingRequest({
        ...{ url, agent, token, maxTokens, model: target.model },
      }),
      stop: interruption.signal,
      now: (next) => (state = next),
    }),
  ).finally(() => {
    interruption.done();
    agent.destroy();
  });
  const interrupted = interruption.signal.aborted;
  if (measured === undefined) {
    say("Stopped before anything was measured.");
    return 130;
  }
  const result = loadResult(measured, target, plan, interrupted);
  console.log(report(result));
  writeChart(result, chart);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  say(`\nChart: ${chart}${json === undefined ? "" : `\nFigures: ${json}`}`);
  return interrupted ? 130 : result.requests.failed > 0 ? 1 : 0;
}

if (require.main === module) {
  void runAsProcess(load);
}
