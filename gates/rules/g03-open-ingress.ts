import { attribute } from "../attribute";
import { type Plan, remains, type Resource } from "../resource";
import type { Rule } from "../rule";
import { publicInvoker } from "./g01-public-invoker";
import { invokerCheckOff } from "./g02-invoker-check-off";
import type { Profile } from "../profile";

/** A service that the whole internet reaches is looked at; one that also lets anybody in is stopped. */
export const openIngress: Rule = {
  id: "G03",
  title: "ingress is narrower than the internet",
  why: "Behind open ingress the IAM check alone keeps strangers from the GPU.",
  page: "https://cloud.google.com/run/docs/securing/ingress",
  check(plan, profile) {
    const letsAnybodyIn = openServices(plan, profile);
    return plan.resources
      .filter((r) => Object.hasOwn(INGRESS, r.type) && remains(r))
      .flatMap((resource) => {
        const ingress = attribute(resource, INGRESS[resource.type]!);
        const open =
          ingress === undefined ||
          !ingress.known ||
          ["INGRESS_TRAFFIC_ALL", "all"].includes(String(ingress.value));
        if (!open) return [];
        const anybody = letsAnybodyIn(resource);
        return [
          {
            level: anybody ? ("block" as const) : ("flag" as const),
            address: resource.address,
            attribute: INGRESS[resource.type]!.join("."),
            message: anybody
              ? "ingress from anywhere, and anybody may call"
              : `ingress from anywhere${ingress?.known ? "" : " (the default where it is not set)"}`,
            change:
              "set serving.ingress to internal or internal-and-cloud-load-balancing, unless callers come from the internet",
          },
        ];
      });
  },
};

/** Where a service says it; the first version of the API has an annotation. */
const INGRESS: Readonly<Record<string, readonly string[]>> = {
  google_cloud_run_v2_service: ["ingress"],
  google_cloud_run_service: [
    ...["metadata", "annotations"],
    "run.googleapis.com/ingress",
  ],
};

/** Tells the services that ask nobody, or whose grants are for everybody. */
function openServices(plan: Plan, profile: Profile) {
  const found = (rule: Rule) =>
    new Set(
      rule
        .check(plan, profile)
        .filter(({ cannotTell }) => !cannotTell)
        .map(({ address }) => address),
    );
  const unchecked = found(invokerCheckOff);
  const everybody = found(publicInvoker);
  const names = plan.resources
    .filter(
      ({ address, type }) =>
        everybody.has(address) &&
        /^google_cloud_run_(v2_)?service_iam/.test(type),
    )
    .map(
      (grant) => attribute(grant, ["name"]) ?? attribute(grant, ["service"]),
    );
  return (service: Resource) =>
    unchecked.has(service.address) ||
    names.some(
      (of) =>
        // A service that is not known yet may be this one. Some are named in full.
        !of?.known ||
        String(of.value).split("/").at(-1) ===
          attribute(service, ["name"])?.value,
    );
}
