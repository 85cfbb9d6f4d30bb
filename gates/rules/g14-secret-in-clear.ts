import { attributes } from "../attribute";
import { WHOLE_PLAN } from "../finding";
import { isObject, listOf, own } from "../json";
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
    ...workloads(plan).flatMap(({ resource, template }) =>
      namedSecrets(resource, template),
    ),
    ...ofThePlan(plan),
  ],
};

const CHANGE =
  "revoke it if it is real, keep it in Secret Manager, and hand over its name";

/** The write-only argument keeps the value out of state and plan. */
function secretData(resource: Resource): Observation[] {
  if (resource.type !== "google_secret_manager_secret_version") return [];
  return attributes(resource, ["secret_data"])
    .slice(0, 1)
    .map(({ path }) => ({
      level: "block",
      address: resource.address,
      attribute: path,
      message: "secret_data goes to the state in clear",
      change: "use secret_data_wo with secret_data_wo_version",
    }));
}

function tokens({ address, values, before }: Resource): Observation[] {
  // What was in the state before and stays is the same finding.
  const found = shapes(values, "");
  return observe(address, found.length > 0 ? found : shapes(before, "before"));
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
  const { outputs, variables, providerArguments } = plan;
  return observe(WHOLE_PLAN, [
    ...shapes(
      Object.fromEntries(outputs.map((o) => [o.name, o.value])),
      "output",
    ),
    ...shapes(variables, "var"),
    ...shapes(providerArguments, "provider"),
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

const SECRET_NAME =
  /(^|[_-])(TOKEN|KEY|APIKEY|SECRET|PASSWORD|PASSWD|CREDENTIALS?)([_-]|$)/i;

/** A variable that is called a secret and holds a plain value. */
function namedSecrets(
  resource: Resource,
  template: readonly string[],
): Observation[] {
  const containers = attributes(resource, [
    ...template,
    "containers",
    "env",
    "name",
  ]);
  return containers.flatMap(({ path, value: name }): Observation[] => {
    const place = path.replace(/\.name$/, "");
    const value = own(valueAt(resource.values, place), "value");
    return SECRET_NAME.test(String(name)) &&
      typeof value === "string" &&
      !HARMLESS.test(value) &&
      tokenShape(value) === undefined
      ? [
          {
            level: "block",
            address: resource.address,
            attribute: `${place}.value`,
            message: `the variable ${String(name)} has a value in clear`,
            change: "give it a value_source with the secret's name and version",
          },
        ]
      : [];
  });
}

/** Nothing, a number, a switch. */
const HARMLESS = /^(|[\d.]+|true|false|yes|no)$/i;

/** The object at a path such as `template[0].env[1]`. */
function valueAt(root: unknown, path: string): unknown {
  let here: unknown = root;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    here =
      index === undefined
        ? isObject(here)
          ? own(here, key ?? "")
          : undefined
        : listOf(here)[Number(index)];
  }
  return here;
}
