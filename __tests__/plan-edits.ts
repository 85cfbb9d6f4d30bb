import type { PlanJson } from "./plan-fixtures";

/** The change of the only resource of a type, or of the one with a name part. */
export function changeOf(plan: PlanJson, type: string, part = ""): PlanJson {
  const found = plan.resource_changes.filter(
    (r: PlanJson) => r.type === type && r.address.includes(part),
  );
  if (found.length !== 1) {
    throw new Error(`${found.length} resources of ${type} with '${part}'`);
  }
  return found[0];
}

/** What a resource will be. */
export function after(plan: PlanJson, type: string, part = ""): PlanJson {
  return changeOf(plan, type, part).change.after;
}

/** What of a resource is not known yet. */
export function unknown(plan: PlanJson, type: string, part = ""): PlanJson {
  return changeOf(plan, type, part).change.after_unknown;
}

/** The first provisioner's arguments of a null resource, in the configuration. */
export function command(plan: PlanJson, part: string): PlanJson {
  const found = plan.configuration.root_module.resources.find(
    (r: PlanJson) => r.type === "null_resource" && r.address.includes(part),
  );
  return found.provisioners[0].expressions;
}

/** Adds a resource that the plan creates. */
export function add(
  plan: PlanJson,
  type: string,
  values: PlanJson,
  more: { unknown?: PlanJson; provisioners?: PlanJson } = {},
): void {
  const address = `${type}.added`;
  plan.resource_changes.push({
    address,
    mode: "managed",
    type,
    name: "added",
    change: {
      actions: ["create"],
      before: null,
      after: values,
      after_unknown: more.unknown ?? {},
      after_sensitive: {},
    },
  });
  plan.configuration.root_module.resources.push({
    address,
    mode: "managed",
    type,
    name: "added",
    expressions: {},
    ...(more.provisioners ? { provisioners: more.provisioners } : {}),
  });
}

/** Makes of a creation the deletion of what exists. */
export function deleted(plan: PlanJson, type: string, part = ""): void {
  const { change } = changeOf(plan, type, part);
  change.actions = ["delete"];
  change.before = change.after;
  change.after = null;
  change.after_unknown = {};
}

/** Makes of a creation a replacement, the old one deleted first. */
export function replaced(
  plan: PlanJson,
  type: string,
  part = "",
  before: PlanJson = {},
): void {
  const entry = changeOf(plan, type, part);
  const { change } = entry;
  change.actions = ["delete", "create"];
  change.before = { ...structuredClone(change.after), ...before };
  entry.action_reason = "replace_because_cannot_update";
}
