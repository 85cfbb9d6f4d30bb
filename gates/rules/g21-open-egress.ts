import { attribute } from "../attribute";
import type { Rule } from "../rule";
import { gpus, workloads } from "../workload";

/** Where policy says no internet, containers go through the network that enforces it. */
export const openEgress: Rule = {
  id: "G21",
  title: "egress through the VPC, where policy asks for it",
  why: "A container that reaches the internet by itself can take data and weights there.",
  page: "https://cloud.google.com/run/docs/configuring/vpc-direct-vpc",
  check: (plan, { noInternet }) =>
    noInternet === undefined
      ? []
      : workloads(plan).flatMap((workload) => {
          if (gpus(workload) === undefined) return [];
          const path = [...workload.template, "vpc_access", "egress"];
          const egress = attribute(workload.resource, path);
          return egress?.known && egress.value === "ALL_TRAFFIC"
            ? []
            : [
                {
                  level: noInternet,
                  address: workload.resource.address,
                  attribute: path.join("."),
                  message:
                    "reaches the internet without passing through a network of yours",
                  change: 'set network.egress to "all"',
                },
              ];
        }),
};
