import { count, digits, latency } from "./figures";
import { errorMeaning } from "./error-meaning";
import type { LatencyFigures } from "./latencies";
import type { LoadResult } from "./load-result";

/** From here on a start counts as one from zero. */
const COLD_SECONDS = 5;
/** Beyond it this machine is a part of what was measured. */
const LATE_SECONDS = 0.05;

/** What a person reads at the end, in lines of at most 80 characters or so. */
export function report(result: LoadResult): string {
  const { target, plan, requests, tokens, inFlight, sentLate } = result;
  const version = target.runId === undefined ? "" : `, version ${target.runId}`;
  const arrivals = plan.arrivals === "poisson" ? "at random" : "evenly";
  const rows = [
    row(
      "requests",
      `${count(requests.arrived, "arrival")}, ${count(requests.answered, "answer")}, ${count(requests.failed, "error")}` +
        (requests.cutOff > 0 ? `, ${requests.cutOff} cut off` : ""),
    ),
    row("answered", `${digits(requests.answeredPerSecond)} requests/s`),
    row(
      "tokens",
      `${digits(tokens.writtenPerSecond)} tokens/s written, ${digits(tokens.readPerSecond)} read`,
    ),
    row(
      "in flight",
      `${digits(inFlight.mean)} on average, ${inFlight.most} at most`,
    ),
    ...queuedRows(result),
    ...(sentLate && sentLate.p99 > LATE_SECONDS
      ? [
          row(
            "sent late",
            `p99 ${latency(sentLate.p99)}: this machine is too slow for this load, and that is in the latencies`,
          ),
        ]
      : []),
  ];
  return [
    `${target.model}${version}, at ${target.url}`,
    `${digits(result.rate)} requests/s arrived ${arrivals}, ${measured(result)}`,
    ...(target.startSeconds >= COLD_SECONDS
      ? [
          `The service took ${digits(target.startSeconds)} s to give its first answer; that is not in the figures.`,
        ]
      : []),
    "",
    ...rows,
    "",
    ...latencyTable(result),
    ...errorRows(result),
  ].join("\n");
}

function measured({ plan, measuredSeconds, interrupted }: LoadResult): string {
  const what =
    plan.concurrency === undefined
      ? ""
      : `the rate at which ${plan.concurrency} are in flight; `;
  return `${what}measured for ${digits(measuredSeconds)} s${interrupted ? ", then stopped" : ""}`;
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(13)}${text}`;
}

function queuedRows({ queued, plan, requests }: LoadResult): string[] {
  if (queued === null) {
    return [];
  }
  const places = `all ${count(plan.places!, "place")}`.replace(
    "all 1 ",
    "the ",
  );
  const median = (figures: LatencyFigures | null) =>
    figures === null ? "-" : latency(figures.p50);
  return [
    row(
      "queued",
      `${queued.requests} of ${requests.answered} found ${places} taken; first token after ${median(queued.firstToken)} (p50)` +
        (queued.firstTokenOfOthers === null
          ? ""
          : `, ${median(queued.firstTokenOfOthers)} for the others`),
    ),
  ];
}

function latencyTable({ firstToken, total }: LoadResult): string[] {
  if (firstToken === null || total === null) {
    return ["  no request was answered"];
  }
  const cells = (texts: readonly string[]) =>
    texts.map((text) => text.padStart(10)).join("");
  const line = (name: string, { p50, p95, p99, most }: LatencyFigures) =>
    row(name, cells([p50, p95, p99, most].map(latency)));
  return [
    row("", cells(["p50", "p95", "p99", "most"])),
    line("first token", firstToken),
    line("total", total),
  ];
}

function errorRows({ errors }: LoadResult): string[] {
  return errors.flatMap(({ kind, count: times, example }) => {
    const meaning = errorMeaning(kind);
    return [
      "",
      `  ${count(times, "error")}: ${kind}: ${example}`,
      ...(meaning === undefined ? [] : [`    ${meaning}`]),
    ];
  });
}
