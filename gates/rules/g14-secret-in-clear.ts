import { attributes } from "../attribute";
import { WHOLE_PLAN } from "../finding";
import { namedInCommands, namedSecrets } from "../named-secrets";
import { type Plan, remains, type Resource } from "../resource";
import type { Observation, Rule } from "../rule";
import { tokenShape } from "../token-shapes";
import { workloads } from "../workload";

/** A secret stands nowhere but in Secret Manager: not in state, plan, environment or command. */
export const secretInClear: Rule = {
  id: "G14",
  title: "no secret in clear",
  why: "Whatever Terraform is told stands in its state and plan, readable for everybody who may read those.",
  page: "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
  check: (plan) => [
    ...plan.resources.filter(remains).flatMap(secretData),
    ...plan.resources.flatMap((r) => [...tokens(r), ...commandTokens(r)]),
    ...plan.resources.filter(remains).flatMap(namedInCommands),
    ...workloads(plan).flatMap(({ resource, template }) =>
      namedSecrets(resource, template, plan.kind),
    ),
    ...ofThePlan(plan),
  ],
};

const CHANGE =
  "revoke it if it is real, keep it in Secret Manager, and hand over its name";

const VERSION = /^google_secret_manager(_regional)?_secret_version$/;

/** The write-only argument keeps the value out of state and plan. */
function secretData(resource: Resource): Observation[] {
  if (!VERSION.test(resource.type)) return [];
  return attributes(resource, ["secret_data"])
    .slice(0, 1)
    .map(({ path }) => ({
      level: "block",
      address: resource.address,
      attribute: path,
      message: "secret_data goes to the state in clear",
      change:
        "use secret_data_wo with secret_data_wo_version, or let somebody else write it",
    }));
}

function tokens({ address, values, before, written }: Resource): Observation[] {
  return observe(
    address,
    firstOf(
      () => shapes(values, ""),
      () => shapes(before, "before"),
      // A write-only argument is in no value.
      () => shapes(written, "configuration"),
    ),
  );
}

/** What stays, or is written down where it comes from, is the same finding. */
function firstOf(...places: readonly (() => Shaped[])[]): Shaped[] {
  for (const look of places) {
    const found = look();
    if (found.length > 0) return found;
  }
  return [];
}

function commandTokens({ address, provisioners }: Resource): Observation[] {
  const all = provisioners.map((p) =>
    Object.fromEntries(
      Object.entries(p.arguments).map(([name, { value }]) => [name, value]),
    ),
  );
  return observe(address, shapes(all, "provisioners"));
}

function ofThePlan(plan: Plan): Observation[] {
  const { outputs, variables, providerArguments, beside } = plan;
  const output = (key: "value" | "before") =>
    shapes(Object.fromEntries(outputs.map((o) => [o.name, o[key]])), "output");
  return observe(WHOLE_PLAN, [
    ...firstOf(
      () => output("value"),
      () => output("before"),
    ),
    ...shapes(variables, "var"),
    ...shapes(providerArguments, "provider"),
    ...shapes(beside, "configuration"),
  ]);
}

interface Shaped {
  readonly path: string;
  readonly shape: string;
}

/** Values and keys that look like secrets. Paths are made for those alone. */
function shapes(root: unknown, at: string): Shaped[] {
  const found: Shaped[] = [];
  const keys: string[] = at === "" ? [] : [at];
  const look = (text: string) => {
    const shape = tokenShape(text);
    if (shape !== undefined) {
      const path = keys.join(".").replace(/\.\[/g, "[");
      found.push({ path, shape });
    }
  };
  const walk = (value: unknown) => {
    if (typeof value === "string") look(value);
    if (typeof value !== "object" || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value)) {
      keys.push(isList ? `[${key}]` : key);
      if (!isList) look(key);
      walk(inner);
      keys.pop();
    }
  };
  walk(root);
  return found;
}

function observe(address: string, found: readonly Shaped[]): Observation[] {
  return found.map(({ path, shape }) => ({
    level: "block",
    address,
    attribute: path,
    message: `holds what looks like ${shape}`,
    change: CHANGE,
  }));
}
