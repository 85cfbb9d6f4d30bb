import { type Failure } from "./build-failure";

/** Where the job wanted to start. */
export interface JobPlace {
  /** GPU of the job, e.g. `nvidia-l4`. */
  readonly accelerator: string;
  readonly region: string;
}

/**
 * Why Cloud Run could not start a container, from the reasons and messages of
 * its conditions or from its refusal.
 *
 * @returns undefined if they speak of something else.
 * @see https://cloud.google.com/run/docs/reference/rest/v2/Condition#commonreason
 */
export function startFailure(
  { accelerator, region }: JobPlace,
  reasons: readonly unknown[],
  said: string,
): Failure | undefined {
  const has = (...some: string[]) => some.some((one) => reasons.includes(one));
  if (
    has("SECRETS_ACCESS_CHECK_FAILED") ||
    /permission denied on secret/i.test(said)
  ) {
    return {
      what: "the train account cannot read the token's secret",
      remedy:
        "its grant may still be on its way (minutes): deploy again; if it fails again, see that the secret has an enabled version and that the account has roles/secretmanager.secretAccessor on it",
    };
  }
  if (
    has(
      "CONTAINER_MISSING",
      "CONTAINER_PERMISSION_DENIED",
      "CONTAINER_IMAGE_UNAUTHORIZED",
      "CONTAINER_IMAGE_AUTHORIZATION_CHECK_FAILED",
    ) ||
    /image .* not found|permission to read the image|failed to (pull|import) .*image/i.test(
      said,
    )
  ) {
    return {
      what: "the trainer's image cannot be pulled",
      remedy:
        "deploy again, which builds it if it is gone; an image of another project has to be readable for the Cloud Run service agent",
    };
  }
  if (/run\.jobs\.run\b/.test(said)) {
    return {
      what: "you may not execute the job",
      remedy: "have roles/run.developer granted to you on the project",
    };
  }
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
    has("DELAYED_EXECUTION_EXCEEDING_DURATION_LIMIT") ||
    /no available instance|(insufficient|not enough|out of|no) (gpu )?(capacity|resources)|resources? (is|are) (not available|exhausted)|zone_resource_pool/i.test(
      said,
    )
  ) {
    return {
      what: `${region} has no free ${accelerator} at the moment`,
      remedy: "deploy again later, or take another region",
    };
  }
  if (
    has("VPC_NETWORK_NOT_FOUND") ||
    /insufficient free IP addresses|(sub)?network .*not found/i.test(said)
  ) {
    return {
      what: "the job's network is missing or has no free address",
      remedy: 'set network to one that exists, or to "none", in cdktf.json',
    };
  }
  return undefined;
}
