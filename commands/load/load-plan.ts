import { CommandError } from "../command-line";
import type { Arrivals } from "./arrivals";

/** What a load test does. */
export interface LoadPlan {
  /** Either how many requests shall be in flight, from which a rate follows ... */
  readonly concurrency?: number;
  /** ... or how many shall arrive a second. */
  readonly rate?: number;
  readonly arrivals: Arrivals;
  readonly warmUpSeconds: number;
  readonly durationSeconds: number;
  /** How long one request may take, from when it was to start. */
  readonly timeoutSeconds: number;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** How many requests the service works on at a time, where that is known. */
  readonly places?: number;
}

/** Options as they were typed. */
export type LoadPlanOptions = Partial<
  Record<
    | "concurrency"
    | "rate"
    | "arrivals"
    | "warm-up"
    | "duration"
    | "timeout"
    | "max-tokens"
    | "places",
    string
  >
>;

/**
 * @throws CommandError (exit code 2) that names the option, what it got and what
 * is allowed
 */
export function loadPlan(options: LoadPlanOptions): LoadPlan {
  const { concurrency, rate, arrivals = "poisson", places } = options;
  if ((concurrency === undefined) === (rate === undefined)) {
    throw new CommandError(
      `${concurrency === undefined ? "Neither --concurrency nor --rate was" : "Both --concurrency and --rate were"} given; give one: --concurrency N keeps about N requests in flight, --rate N lets N arrive a second.`,
      2,
    );
  }
  if (arrivals !== "poisson" && arrivals !== "fixed") {
    throw new CommandError(
      `--arrivals: got '${arrivals}'; allowed: poisson, fixed`,
      2,
    );
  }
  return {
    ...(concurrency === undefined
      ? { rate: number("rate", rate!, 0.01, 1000, "arrivals a second") }
      : { concurrency: whole("concurrency", concurrency, 1, 1000) }),
    arrivals,
    warmUpSeconds: number(
      "warm-up",
      options["warm-up"] ?? "10",
      0.1,
      600,
      "seconds",
    ),
    // The identity token that goes along is good for an hour.
    durationSeconds: number(
      "duration",
      options.duration ?? "30",
      0.1,
      2400,
      "seconds",
    ),
    timeoutSeconds: number(
      "timeout",
      options.timeout ?? "300",
      0.1,
      3600,
      "seconds",
    ),
    maxTokens: whole("max-tokens", options["max-tokens"] ?? "256", 1, 100_000),
    ...(places === undefined
      ? {}
      : { places: whole("places", places, 1, 100_000) }),
  };
}

function number(
  name: string,
  text: string,
  least: number,
  most: number,
  unit: string,
): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most)) {
    throw new CommandError(
      `--${name}: got '${text}'; allowed: ${least} to ${most} ${unit}`,
      2,
    );
  }
  return value;
}

function whole(name: string, text: string, least: number, most: number) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new CommandError(
      `--${name}: got '${text}'; allowed: a whole number from ${least} to ${most}`,
      2,
    );
  }
  return value;
}
