import { type Failure } from "./build-failure";
import type { JobPlace } from "./start-failure";

/**
 * Whether Cloud Run had no room for a container, job's or service's: no quota, or no free GPU.
 *
 * @returns undefined if it speaks of something else.
 */
export function roomFailure(
  { accelerator, region }: JobPlace,
  reasons: readonly unknown[],
  said: string,
): Failure | undefined {
  // Only where Cloud Run speaks of quota: GPUs are also named elsewhere.
  if (/quota/i.test(said)) {
    const metric =
      /\b(\w+PerProjectRegion|run\.googleapis\.com\/\w+)/.exec(said)?.[1] ??
      `run.googleapis.com/${accelerator.replaceAll("-", "_")}_gpu_allocation_no_zonal_redundancy`;
    return {
      what: `no quota: ${metric} in ${region}`,
      remedy:
        "ask for it at https://g.co/cloudrun/gpu-quota, or take another region",
    };
  }
  if (
    reasons.includes("DELAYED_EXECUTION_EXCEEDING_DURATION_LIMIT") ||
    /no available instance|(insufficient|not enough|out of|no) (gpu )?(capacity|resources)|resources? (is|are) (not available|exhausted)|zone_resource_pool/i.test(
      said,
    )
  ) {
    return {
      what: `${region} has no free ${accelerator} at the moment`,
      remedy: "deploy again later, or take another region",
    };
  }
  return undefined;
}
