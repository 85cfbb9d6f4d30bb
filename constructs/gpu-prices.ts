import type { Accelerator, ContainerSize } from "./gpu-shapes";

/** When the prices were looked up. Google may change them at any time. */
export const PRICES_OF = "2026-08";

/** US dollars a second, CPU always allocated. */
interface Prices {
  /** A GPU without zonal redundancy. */
  readonly gpu: Readonly<Partial<Record<Accelerator, number>>>;

  /** A GPU with zonal redundancy, which only services can have. */
  readonly redundantGpu: Readonly<Partial<Record<Accelerator, number>>>;
  readonly cpu: number;
  readonly gib: number;
}

/**
 * Prices by tier of regions. What is not known is not here: the price of an RTX
 * PRO 6000, and those of tier 2.
 *
 * @see https://cloud.google.com/run/pricing
 */
const TIER_1: Prices = {
  gpu: { "nvidia-l4": 0.0001867 },
  redundantGpu: { "nvidia-l4": 0.0002909 },
  cpu: 0.000018,
  gib: 0.000002,
};

/**
 * Regions with GPUs in tier 1. us-east4 is not among them because sources
 * differ; asia-south1, asia-south2 and asia-southeast1 are in tier 2.
 *
 * @see https://cloud.google.com/run/docs/locations
 */
const PRICES: Readonly<Record<string, Prices>> = {
  "europe-west1": TIER_1,
  "europe-west4": TIER_1,
  "us-central1": TIER_1,
};

/**
 * US dollars for an hour of a container, undefined where not known.
 *
 * @param redundant - whether its GPU has zonal redundancy
 */
export function pricePerHour(
  { accelerator, cpu, memory }: ContainerSize,
  region: string,
  redundant = false,
): number | undefined {
  const prices = PRICES[region];
  const gpu = (redundant ? prices?.redundantGpu : prices?.gpu)?.[accelerator];
  if (prices === undefined || gpu === undefined) return undefined;
  const gib = Number(memory.replace(/Gi$/, ""));
  return 3600 * (gpu + prices.cpu * cpu + prices.gib * gib);
}
