/** Network that a container is attached to. */
export interface NetworkAccess {
  readonly network: string;
  readonly subnetwork: string;

  /** `private-ranges`, or `all` for everything (which then needs Cloud NAT). */
  readonly egress: "private-ranges" | "all";
}

/**
 * Direct VPC egress for the template of a job or a service.
 *
 * @param access - `none` leaves the container without a network of yours
 * @see https://cloud.google.com/run/docs/configuring/vpc-direct-vpc
 */
export function vpcAccess(access: NetworkAccess | "none") {
  if (access === "none") return {};
  return {
    vpcAccess: {
      networkInterfaces: [
        { network: access.network, subnetwork: access.subnetwork },
      ],
      egress: access.egress === "all" ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY",
    },
  };
}
