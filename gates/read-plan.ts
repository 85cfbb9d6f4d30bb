import {
  type Configured,
  configuration,
  withoutIndexes,
} from "./configuration";
import { isObject, type Json, listOf, objectOf, own, text } from "./json";
import { requireShallow } from "./nesting";
import { planFaults } from "./plan-faults";
import type { Output, Plan, Resource } from "./resource";
import { UnreadablePlan } from "./unreadable-plan";

/**
 * Reads what `terraform show -json PLANFILE` writes. Minor versions of the
 * format add keys only; another major may mean anything.
 *
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 * @throws UnreadablePlan when it is something else
 */
export function readPlan(json: unknown): Plan {
  if (!isObject(json)) {
    throw new UnreadablePlan(`got ${kindOf(json)}; ${EXPECTED}`);
  }
  requireShallow(json);
  const version = text(json, "format_version");
  if (version === undefined || !/^1\.\d+$/.test(version)) {
    throw new UnreadablePlan(
      `format_version: got ${JSON.stringify(version ?? null)}, known is 1.x; ${EXPECTED}`,
    );
  }
  const changes = own(json, "resource_changes");
  // A state has the same format_version, and no changes.
  if (!isObject(own(json, "planned_values")) || !isList(changes ?? [])) {
    throw new UnreadablePlan(
      `planned_values or resource_changes are missing; ${EXPECTED}`,
    );
  }
  const config = configuration(own(json, "configuration"));
  const read = (entries: unknown, where: string) =>
    listOf(entries).map((entry, i) =>
      resource(entry, `${where}[${i}]`, config.resources),
    );
  const managed = read(changes, "resource_changes");
  const terraformVersion = text(json, "terraform_version");
  return {
    kind: "plan",
    resources: [...managed, ...dataSources(json, managed)],
    drift: read(own(json, "resource_drift"), "resource_drift"),
    outputs: outputs(json),
    variables: Object.fromEntries(
      Object.entries(objectOf(own(json, "variables"))).map(([name, entry]) => [
        name,
        own(entry, "value"),
      ]),
    ),
    providerArguments: config.providerArguments,
    beside: config.beside,
    labels: config.labels,
    providers: config.providers,
    ...(terraformVersion === undefined ? {} : { terraformVersion }),
    faults: planFaults(json, managed, config.resources),
  };
}

const EXPECTED = "expected is the output of terraform show -json PLANFILE";

const ACTIONS = [
  ["no-op"],
  ["create"],
  ["read"],
  ["update"],
  ["delete"],
  ["delete", "create"],
  ["create", "delete"],
  ["forget"],
  ["create", "forget"],
].map(String);

function resource(
  entry: unknown,
  where: string,
  configured: ReadonlyMap<string, Configured>,
): Resource {
  const change = own(entry, "change");
  const [address, type, name] = ["address", "type", "name"].map((key) =>
    text(entry, key),
  );
  const actions = own(change, "actions");
  if (
    address === undefined ||
    type === undefined ||
    name === undefined ||
    !isList(actions)
  ) {
    throw new UnreadablePlan(
      `${where} has no address, type, name or change.actions; ${EXPECTED}`,
    );
  }
  if (!ACTIONS.includes(String(actions))) {
    throw new UnreadablePlan(
      `${where} (${address}): got the actions ${JSON.stringify(actions)}, known are ${ACTIONS.join(" | ")}`,
    );
  }
  const index = own(entry, "index");
  const actionReason = text(entry, "action_reason");
  const previousAddress = text(entry, "previous_address");
  const deposed = text(entry, "deposed");
  const before = own(change, "before");
  const written = configured.get(withoutIndexes(address));
  return {
    address,
    mode: text(entry, "mode") === "data" ? "data" : "managed",
    type,
    name,
    ...(typeof index === "string" || typeof index === "number"
      ? { index }
      : {}),
    values: objectOf(own(change, "after")),
    unknown: objectOf(own(change, "after_unknown")),
    sensitive: objectOf(own(change, "after_sensitive")),
    sensitiveBefore: objectOf(own(change, "before_sensitive")),
    before: isObject(before) ? before : null,
    actions: actions as string[],
    ...(actionReason === undefined ? {} : { actionReason }),
    replacePaths: listOf(own(change, "replace_paths")).map(listOf),
    provisioners: written?.provisioners ?? [],
    ...(written === undefined ? {} : { written: written.expressions }),
    ...(previousAddress === undefined ? {} : { previousAddress }),
    importing: isObject(own(change, "importing")),
    ...(deposed === undefined ? {} : { deposed }),
  };
}

/** What was read while planning stands in the prior state alone. */
function dataSources(json: Json, changes: readonly Resource[]): Resource[] {
  const known = new Set(changes.map(({ address }) => address));
  const found: Resource[] = [];
  const modules = [own(own(own(json, "prior_state"), "values"), "root_module")];
  for (const module of modules) {
    modules.push(...listOf(own(module, "child_modules")));
    for (const entry of listOf(own(module, "resources"))) {
      const address = text(entry, "address") ?? "";
      if (text(entry, "mode") !== "data" || known.has(address)) continue;
      const values = objectOf(own(entry, "values"));
      found.push({
        address,
        mode: "data",
        type: text(entry, "type") ?? "",
        name: text(entry, "name") ?? "",
        values,
        unknown: {},
        sensitive: objectOf(own(entry, "sensitive_values")),
        before: values,
        actions: ["no-op"],
        replacePaths: [],
        provisioners: [],
        importing: false,
      });
    }
  }
  return found;
}

function outputs(json: Json): Output[] {
  return Object.entries(objectOf(own(json, "output_changes"))).map(
    ([name, change]) => ({
      name,
      value: own(change, "after"),
      before: own(change, "before"),
      unknown: own(change, "after_unknown"),
      sensitive: own(change, "after_sensitive") === true,
    }),
  );
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : `a ${typeof value}`;
}
