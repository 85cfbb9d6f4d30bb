import { type Failure } from "./build-failure";
import { roomFailure } from "./room-failure";

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
  const full = roomFailure({ accelerator, region }, reasons, said);
  if (full !== undefined) return full;
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
