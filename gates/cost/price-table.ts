import { PRICES_OF, pricePerHour } from "../../constructs/gpu-prices";
import type { GpuInstance } from "./gpu-instance";

/** A month has 8,760 / 12 hours, as Google's own calculator counts. */
export const HOURS_A_MONTH = 730;

/** After this many days prices are to be looked up again. */
const FRESH_DAYS = 90;

/** What is paid beside GPU, CPU and memory, and does not follow from a plan. */
export const NOT_INCLUDED: readonly string[] = [
  "image builds (Cloud Build, by the minute and machine type)",
  "storage of models and images (Cloud Storage, Artifact Registry)",
  "network (answers to the internet, traffic between regions)",
  "secrets, logs and metrics",
  "taxes and discounts",
];

/**
 * Where prices come from; the table itself is constructs/gpu-prices.ts, which
 * the trainer and the preflight read as well.
 *
 * @see https://cloud.google.com/run/pricing
 */
export const PRICE_PAGE = "https://cloud.google.com/run/pricing";

/** How old the prices are. */
export interface PriceDate {
  /** Month of the prices, such as `2026-08`. */
  readonly of: string;

  /** Whether they are older than 90 days, counted from the month's end. */
  readonly stale: boolean;
}

/** The date of the price table, as seen on a day. */
export function priceDate(today: Date): PriceDate {
  const [year = 0, month = 0] = PRICES_OF.split("-").map(Number);
  const monthsEnd = Date.UTC(year, month, 1);
  const days = (today.getTime() - monthsEnd) / 86_400_000;
  return { of: PRICES_OF, stale: days > FRESH_DAYS };
}

/**
 * US dollars for an hour of a instance. Undefined where the table has no price:
 * a cost that is not known is never a cost of zero.
 */
export function hourlyPrice(instance: GpuInstance): number | undefined {
  const { size, region, redundant } = instance;
  return size === undefined || region === undefined
    ? undefined
    : pricePerHour(size, region, redundant);
}
