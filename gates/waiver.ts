import { readFileSync } from "node:fs";
import { z } from "zod";

/** Further ahead nobody remembers what was agreed. */
const LONGEST_DAYS = 366;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const waiver = z.strictObject({
  /** Such as `G02`. */
  rule: z.string("a rule such as G02").regex(/^G\d\db?$/, "a rule such as G02"),
  /** Of the resource, or `plan`. */
  address: z.string("an address").min(1, "an address"),
  /** Only for plans of this environment. */
  environment: z.string("the environment's name").min(1).optional(),
  reason: z
    .string("why this is right here")
    .trim()
    .min(10, "why this is right here, in at least ten letters"),
  /** Last day on which it holds. */
  expires: z
    .string("a day such as 2027-01-31")
    .regex(DAY, "a day such as 2027-01-31")
    .refine(isDay, {
      error: "a day such as 2027-01-31",
    }),
  /** Of what it was given for: it ends when that changes. */
  hash: z
    .string("the hash that the finding shows")
    .regex(/^(plan|synth):[0-9a-f]{16}$/, "the hash that the finding shows"),
});

/** The calendar has it: 30 February would become March. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** Leave for one finding, for a time. */
export type Waiver = z.infer<typeof waiver>;

const waivers = z.array(waiver, "a list of waivers");

/** The file of waivers is no such file. */
export class WaiversError extends Error {
  public override readonly name = "WaiversError";
}

/**
 * Reads a file of waivers.
 *
 * @throws WaiversError with everything that is wrong in it
 */
export function readWaivers(file: string): readonly Waiver[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new WaiversError(
      `${file} cannot be read as JSON: ${(error as Error).message.split("\n")[0]}`,
    );
  }
  const read = waivers.safeParse(json);
  if (!read.success) {
    throw new WaiversError(
      `${file} is no list of waivers\n${read.error.issues
        .map(
          ({ path, message }) => `  - ${path.join(".")}: allowed: ${message}`,
        )
        .join("\n")}`,
    );
  }
  return read.data;
}

/** Why a waiver does not hold on a day, undefined when it does. */
export function expiry({ expires }: Waiver, today: Date): string | undefined {
  const days = (Date.parse(expires) - today.getTime()) / 86_400_000;
  // The last day counts whole.
  if (days < -1) return `it expired on ${expires}`;
  return days > LONGEST_DAYS
    ? `it would hold until ${expires}, and a year is the most`
    : undefined;
}
