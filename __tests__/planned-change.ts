import { readSynth } from "../gates/read-synth";
import type { Plan, Resource } from "../gates/resource";
import { type Raw, synthesize } from "./synthesize";

/**
 * The plan from one set of settings to another, as Terraform would make it:
 * null resources are replaced when a trigger changes, others are changed in
 * place. Without a before everything is created.
 */
export function plannedChange(before: Raw | undefined, after: Raw): Plan {
  const was = before === undefined ? [] : synthesized(before).resources;
  const plan = synthesized(after);
  const becomes = plan.resources;
  return {
    ...plan,
    kind: "plan",
    resources: [
      ...becomes.map((resource) => changed(find(was, resource), resource)),
      ...was
        .filter((resource) => find(becomes, resource) === undefined)
        .map((resource) => ({
          ...resource,
          values: {},
          before: resource.values,
          provisioners: [],
          actions: ["delete"],
          actionReason: "delete_because_no_resource_config",
        })),
    ],
  };
}

/** The same plan with one resource altered, such as tainted. */
export function altered(
  plan: Plan,
  part: string,
  changes: Partial<Resource>,
): Plan {
  const count = plan.resources.filter((r) => r.address.includes(part)).length;
  if (count !== 1) throw new Error(`${count} resources have '${part}'`);
  return {
    ...plan,
    resources: plan.resources.map((resource) =>
      resource.address.includes(part) ? { ...resource, ...changes } : resource,
    ),
  };
}

// Most tests begin with the same settings, and each synth takes a while.
const known = new Map<string, Plan>();

function synthesized(settings: Raw): Plan {
  const key = JSON.stringify(settings);
  const plan = known.get(key) ?? readSynth(synthesize(settings));
  known.set(key, plan);
  return plan;
}

function find(all: readonly Resource[], { address }: Resource) {
  return all.find((resource) => resource.address === address);
}

function changed(was: Resource | undefined, becomes: Resource): Resource {
  if (was === undefined) return { ...becomes, actions: ["create"] };
  // Provisioners are configuration: Terraform does not compare them.
  const [old, now] = [was, becomes].map(
    ({ values: { provisioner: _, ...values } }) => JSON.stringify(values),
  );
  // What is there already has no unknown values.
  const known = { unknown: {}, before: was.values };
  const same = { ...becomes, ...known, actions: ["no-op"] };
  if (old === now) return same;
  return becomes.type === "null_resource"
    ? {
        ...same,
        actions: ["delete", "create"],
        actionReason: "replace_because_cannot_update",
        replacePaths: [["triggers"]],
      }
    : { ...same, actions: ["update"] };
}
