import { BRIEFLY, type Check, type Finding, type Preflight } from "./finding";

/** A list policy as it takes effect on the project. */
export interface ListPolicy {
  readonly allValues?: "ALLOW" | "DENY" | "ALL_VALUES_UNSPECIFIED";
  readonly allowedValues?: readonly string[];
  readonly deniedValues?: readonly string[];
}

/**
 * Locations of what the stack makes, against `gcp.resourceLocations`. A secret
 * that is replicated automatically, and a build in `global`, lie in `global`.
 *
 * @see
 * https://cloud.google.com/resource-manager/docs/organization-policy/defining-locations
 */
export const locations: Check = async (preflight) => {
  const { region, token, build } = preflight.settings;
  const policy = await effectivePolicy(preflight, "gcp.resourceLocations");
  const replicas =
    token.replication === "automatic" ? ["global"] : token.replication;
  const places: [string, readonly string[], string][] = [
    ["location of buckets, registry, job and service", [region], "REGION"],
    ["location of builds", [build.location], "build.location"],
    ...(token.source === "variable"
      ? ([
          [
            "replication of the secret",
            replicas,
            `token.replication, such as ["${region}"],`,
          ],
        ] as [string, readonly string[], string][])
      : []),
  ];
  return places.map(([what, needed, setting]): Finding => {
    const verdicts = needed.map((place) => allowsLocation(policy, place));
    const where = needed.join(", ");
    if (verdicts.every((verdict) => verdict === true)) {
      return { status: "pass", what, detail: `${where}: allowed` };
    }
    const list = (policy.allowedValues ?? []).join(", ") || "see the policy";
    const remedy = `set ${setting} to what constraints/gcp.resourceLocations allows (${list})`;
    return verdicts.includes(false)
      ? { status: "fail", what, detail: `${where}: not allowed`, remedy }
      : {
          status: "warn",
          what,
          detail: `${where}: cannot tell, the policy names groups of locations`,
          remedy,
        };
  });
};

/** Ingress and egress of the service, against the policies of Cloud Run. */
export const traffic: Check = async (preflight) => {
  const { network, models } = preflight.settings;
  const ingresses = Object.values(models).map(({ serving }) => serving.ingress);
  const egress =
    network === "none" || network.egress === "private-ranges"
      ? "private-ranges-only"
      : "all-traffic";
  const ingressPolicy = await effectivePolicy(preflight, "run.allowedIngress");
  const egressPolicy = await effectivePolicy(preflight, "run.allowedVPCEgress");
  const findings = [...new Set(ingresses)].map((value) =>
    valueFinding(
      "ingress of the service",
      "serving.ingress",
      ingressPolicy,
      value,
    ),
  );
  return network === "none"
    ? findings
    : [
        ...findings,
        valueFinding(
          "egress of job and service",
          "network.egress",
          egressPolicy,
          egress,
        ),
      ];
};

function valueFinding(
  what: string,
  setting: string,
  policy: ListPolicy,
  value: string,
): Finding {
  if (allowsValue(policy, value)) {
    return { status: "pass", what, detail: `${value}: allowed` };
  }
  const allowed = (policy.allowedValues ?? []).join(", ") || "nothing";
  return {
    status: "fail",
    what,
    detail: `${value}: not allowed by the organization`,
    remedy: `set ${setting} to what it allows: ${allowed}`,
  };
}

/**
 * Through the Resource Manager API, which is on in any case, and not the
 * Organization Policy API, which is not.
 *
 * @see
 * https://cloud.google.com/resource-manager/reference/rest/v1/projects/getEffectiveOrgPolicy
 */
async function effectivePolicy(
  { settings, google }: Preflight,
  constraint: string,
): Promise<ListPolicy> {
  const { listPolicy } = await google.request<{ listPolicy?: ListPolicy }>({
    service: "resourcemanager",
    method: "POST",
    path: `projects/${settings.projectId}:getEffectiveOrgPolicy`,
    body: { constraint: `constraints/${constraint}` },
    retry: { ...BRIEFLY, idempotent: true },
  });
  return listPolicy ?? {};
}

function allowsValue(policy: ListPolicy, value: string): boolean {
  const { allValues, allowedValues, deniedValues } = policy;
  const names = (list: readonly string[] = []) =>
    list.map((entry) => entry.replace(/^is:/, ""));
  if (allValues === "DENY" || names(deniedValues).includes(value)) {
    return false;
  }
  return !allowedValues?.length || names(allowedValues).includes(value);
}

/**
 * Whether a policy lets something lie in a location.
 *
 * @returns null where it names groups whose members are not known here
 */
export function allowsLocation(
  policy: ListPolicy,
  location: string,
): boolean | null {
  const { allValues, allowedValues = [], deniedValues = [] } = policy;
  if (allValues === "DENY") return false;
  const denied = deniedValues.map((value) => names(value, location));
  if (denied.includes(true)) return false;
  const allowed = allowedValues.map((value) => names(value, location));
  if (denied.includes(null)) return null;
  if (allowedValues.length === 0 || allowed.includes(true)) return true;
  return allowed.includes(null) ? null : false;
}

/** Whether a value of the policy covers a location; null for unknown groups. */
function names(value: string, location: string): boolean | null {
  const plain = value.replace(/^(is|in):/, "").replace(/-locations$/, "");
  if (plain === location) return true;
  // A region, or `global`: it covers itself alone.
  if (plain === "global" || /^[a-z]+-[a-z]+\d+$/.test(plain)) return false;
  const group = GROUPS[plain];
  if (group === undefined) return null;
  return group.test(location);
}

/** Value groups whose regions among those with GPUs are plain from the name. */
const GROUPS: Readonly<Record<string, RegExp>> = {
  us: /^us-/,
  northamerica: /^(us|northamerica)-/,
  // Members of the European Union alone.
  eu: /^europe-(west1|west3|west4|west8|west9|north1|southwest1|central2)$/,
  europe: /^europe-/,
  asia: /^asia-/,
};
