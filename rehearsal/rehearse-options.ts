import { oneOf } from "../commands/gate/gate-options";
import {
  type Command,
  CommandError,
  readCommandLine,
} from "../commands/command-line";

const TERRAFORM = ["auto", "stub", "off"] as const;

const OPTIONS = {
  seed: { type: "string", value: "N", text: "other sample data (default 0)" },
  terraform: {
    type: "string",
    value: "KIND",
    text: "the whole life of the stack with the real Terraform, against a local Google Cloud: auto (where Terraform and its providers are found; the default), stub (quick: nothing is trained), off",
  },
  interruptions: {
    type: "string",
    value: "N",
    text: "interrupts npm run deploy at N random points a series against a local Google Cloud, and requires that it recovers",
  },
  faults: {
    type: "boolean",
    text: "has npm run deploy meet all kinds of faults in a local Google Cloud, and requires that the next one finishes",
  },
  series: {
    type: "string",
    value: "TEXT",
    text: "with --interruptions: only series with this in the name (SIGINT, SIGKILL, local, Storage); with --faults: only such cases (provider, state, builds, serving, training)",
  },
  keep: {
    type: "boolean",
    text: "leave the server up at the end, until Ctrl-C; without Terraform",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "rehearse",
  summary:
    "Fine-tunes, serves and asks a small model on this machine, without an account:\n" +
    "the containers of the synthesized stack run as local processes. With the real Terraform, where it is found.",
  options: OPTIONS,
};

/** What a rehearsal is asked for. */
export interface RehearseOptions {
  readonly seed: string;
  readonly keep: boolean;
  readonly terraform: (typeof TERRAFORM)[number];

  /** Points of each series, in place of a rehearsal. */
  readonly interruptions: number | undefined;

  /** Faults in place of a rehearsal. */
  readonly faults: boolean;
  readonly series: string | undefined;
}

/**
 * @returns null when only help was asked for
 * @throws CommandError for what is not allowed
 */
export function readOptions(argv: readonly string[]): RehearseOptions | null {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) {
    return null;
  }
  const { seed = "0", keep = false, interruptions, series } = line.values;
  const { terraform = keep ? "off" : "auto" } = line.values;
  if (!/^\d{1,9}$/.test(seed)) {
    throw new CommandError(
      `--seed got "${seed}"; allowed: a whole number from 0 to 999999999, such as --seed 1.`,
      2,
    );
  }
  if (interruptions !== undefined && !/^[1-9]\d{0,2}$/.test(interruptions)) {
    throw new CommandError(
      `--interruptions got "${interruptions}"; allowed: a whole number from 1 to 999.`,
      2,
    );
  }
  if (keep && terraform !== "off") {
    throw new CommandError(
      `--keep got --terraform ${terraform}; allowed: --terraform off, since a stack is destroyed at the end of its life.`,
      2,
    );
  }
  return {
    ...{ seed, keep, series, faults: line.values.faults ?? false },
    terraform: oneOf("terraform", terraform, TERRAFORM),
    interruptions:
      interruptions === undefined ? undefined : Number(interruptions),
  };
}
