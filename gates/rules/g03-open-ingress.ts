import { attribute } from "../attribute";
import type { Plan, Resource } from "../resource";
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
  check: (plan, profile) =>
    plan.resources
      .filter(
        ({ type, actions }) =>
          type === "google_cloud_run_v2_service" &&
          !["delete", "forget"].includes(String(actions)),
      )
      .flatMap((resource) => {
        const ingress = attribute(resource, ["ingress"]);
        const open =
          ingress === undefined ||
          !ingress.known ||
          ingress.value === "INGRESS_TRAFFIC_ALL";
        if (!open) return [];
        const anybody = letsAnybodyIn(resource, plan, profile);
        return [
          {
            level: anybody ? ("block" as const) : ("flag" as const),
            address: resource.address,
            attribute: "ingress",
            message: anybody
              ? "ingress from anywhere, and anybody may call"
              : `ingress from anywhere${ingress?.known ? "" : " (the default where it is not set)"}`,
            change:
              "set serving.ingress to internal or internal-and-cloud-load-balancing, unless callers come from the internet",
          },
        ];
      }),
};

function letsAnybodyIn(service: Resource, plan: Plan, profile: Profile) {
  if (
    invokerCheckOff
      .check(plan, profile)
      .some(({ address }) => address === service.address)
  ) {
    return true;
  }
  const open = new Set(
    publicInvoker
      .check(plan, profile)
      .filter(({ cannotTell }) => !cannotTell)
      .map(({ address }) => address),
  );
  const name = attribute(service, ["name"])?.value;
  return plan.resources.some((grant) => {
    if (!open.has(grant.address)) return false;
    if (!/^google_cloud_run_/.test(grant.type)) return false;
    const of = attribute(grant, ["name"]) ?? attribute(grant, ["service"]);
    return !of?.known || of.value === name;
  });
}
