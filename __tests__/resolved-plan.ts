import { isObject } from "../gates/json";
import { readSynth } from "../gates/read-synth";
import type { Plan, Resource } from "../gates/resource";

/**
 * The first plan of a synthesized stack as Terraform would make it: references
 * to what is known are resolved, and the provider fills in the project.
 */
export function resolvedPlan(text: string): Plan {
  const json = JSON.parse(text);
  const plan = readSynth(json);
  const { project } = json.provider.google[0];
  const known = new Map(plan.resources.map((r) => [r.address, r]));
  return {
    ...plan,
    kind: "plan",
    terraformVersion: "1.11.4",
    resources: plan.resources.map((resource) => {
      const values = {
        project,
        ...(resolve(resource.values, known, project) as object),
      };
      return {
        ...resource,
        values,
        unknown: unresolved(values) as Resource["unknown"],
        written: resource.values,
        actions: resource.mode === "data" ? ["read"] : ["create"],
      };
    }),
  };
}

const REFERENCE = /\$\{([a-z_]+\.[\w-]+)\.(\w+)\}/g;

function resolve(
  value: unknown,
  known: ReadonlyMap<string, Resource>,
  project: string,
): unknown {
  if (typeof value === "string") {
    return value.replace(REFERENCE, (text, address: string, key: string) => {
      const values = known.get(address)?.values ?? {};
      const email = `${String(values.account_id)}@${project}.iam.gserviceaccount.com`;
      if (key === "email") return email;
      if (key === "member") return `serviceAccount:${email}`;
      const found = values[key];
      return typeof found === "string"
        ? String(resolve(found, known, project))
        : text;
    });
  }
  if (Array.isArray(value)) return value.map((v) => resolve(v, known, project));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, resolve(v, known, project)]),
  );
}

/** What still refers to something is known after the apply alone. */
function unresolved(value: unknown): unknown {
  if (typeof value === "string") return /(?<!\$)\$\{/.test(value);
  if (Array.isArray(value)) return value.map(unresolved);
  if (!isObject(value)) return false;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, unresolved(v)]),
  );
}
