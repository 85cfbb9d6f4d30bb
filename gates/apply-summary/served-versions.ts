import { attribute } from "../attribute";
import { own } from "../json";
import { isCreated, type Plan, remains, type Resource } from "../resource";
import { referredTo, steps, trigger } from "./step";

/** A service and what it answers with after the apply. */
export interface ServedVersion {
  readonly address: string;
  readonly service: string;

  /** Version directory, `MODEL/RUN_ID`, where the plan tells. */
  readonly version: string | undefined;
  readonly versionBefore: string | undefined;

  /** `same` keeps the revision that answers now. */
  readonly revision: "first" | "new" | "same";
}

/** What each service that stays or comes will answer with. */
export function servedVersions(plan: Plan): ServedVersion[] {
  const confirmations = steps(plan, "provision/confirm-serving.ts");
  return plan.resources
    .filter(
      (resource) =>
        resource.type === SERVICE &&
        resource.mode === "managed" &&
        remains(resource),
    )
    .map((service) => {
      const confirmation = confirmations.find(
        (step) => referredTo(plan, step, SERVICE) === service,
      );
      const version = confirmation && trigger(confirmation.resource, "version");
      const name = attribute(service, ["name"])?.value;
      return {
        address: service.address,
        service: typeof name === "string" ? name : service.name,
        version: version?.after,
        versionBefore: version?.before,
        revision: revision(service),
      };
    });
}

const SERVICE = "google_cloud_run_v2_service";

/** Every change of the template makes a revision; a change beside it does not. */
function revision(service: Resource): ServedVersion["revision"] {
  const { before, values, unknown, actions } = service;
  if (before === null || isCreated(service)) return "first";
  if (!actions.includes("update")) return "same";
  const [was, becomes] = [own(before, "template"), own(values, "template")];
  const open = JSON.stringify(own(unknown, "template") ?? []).includes("true");
  return open || JSON.stringify(was, given) !== JSON.stringify(becomes, given)
    ? "new"
    : "same";
}

/** Terraform takes what is empty for what is not set, and may show either. */
function given(_key: string, value: unknown): unknown {
  return value === null ||
    value === "" ||
    value === false ||
    value === 0 ||
    (typeof value === "object" && Object.keys(value).length === 0)
    ? undefined
    : value;
}
