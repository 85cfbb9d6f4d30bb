import { createHash, scryptSync } from "node:crypto";
import { attributes } from "./attribute";
import { type Finding, WHOLE_PLAN } from "./finding";
import { isObject, type Json, own } from "./json";
import { isDeleted, type Plan, type Resource } from "./resource";

/**
 * Hash of what a finding is about. At synth that is the value; in a plan the
 * whole entry, so that a waiver does not cover what changes later beside it.
 */
export function entryHash(plan: Plan, finding: Finding): string {
  // One address has more entries where a replacement left something behind.
  const entries = plan.resources.filter((r) => r.address === finding.address);
  const what =
    entries.length === 0
      ? wholePlan(plan, finding)
      : entries.map((resource) =>
          plan.kind === "synth" ? valueOf(resource, finding) : entry(resource),
        );
  const about = canonical([finding.rule, finding.address, what]);
  // A password is guessed from a quick hash, so what holds secrets gets a slow one.
  const known = hashes.get(about);
  if (known !== undefined) return `${plan.kind}:${known}`;
  const hash =
    finding.rule === "G14"
      ? scryptSync(about, "tuneserve waiver", 32, { N: 2048 })
      : createHash("sha256").update(about).digest();
  const short = hash.toString("hex").slice(0, 16);
  hashes.set(about, short);
  return `${plan.kind}:${short}`;
}

/** One entry can have many findings. */
const hashes = new Map<string, string>();

/** What is decided about a resource; after a change of anything it is another. */
function entry(resource: Resource): unknown {
  const { type, actions, replacePaths, values, unknown, provisioners } =
    resource;
  return [
    type,
    actions,
    replacePaths,
    isDeleted(resource) ? resource.before : null,
    values,
    unknown,
    provisioners,
  ];
}

function valueOf(resource: Resource, { attribute, message }: Finding): unknown {
  const path = (attribute ?? "").replace(/\[\d+\]/g, "").split(".");
  const found = attributes(resource, path)
    .filter((place) => place.path === attribute)
    .map(({ value }) => value);
  return found.length > 0 ? found : [message, resource.provisioners];
}

/** Findings about all of it are the same in the same projects, for the same value. */
function wholePlan(plan: Plan, { attribute, message }: Finding): unknown {
  const { resources, outputs, variables, providerArguments, beside } = plan;
  const [part = "", name = ""] = (attribute ?? "").split(/[.[]/);
  const parts: Json = {
    output: Object.fromEntries(
      outputs.map((o) => [o.name, [o.value, o.before]]),
    ),
    var: variables,
    provider: providerArguments,
  };
  // Places in a configuration have more than one name.
  const value = part === "configuration" ? beside : own(own(parts, part), name);
  const projects = new Set(
    resources
      .map(({ values }) => values.project)
      .filter(Boolean)
      .map(String),
  );
  return [WHOLE_PLAN, attribute, value, message, [...projects].sort()];
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (isObject(value)) {
    return `{${Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
      .join()}}`;
  }
  return JSON.stringify(value) ?? "null";
}
