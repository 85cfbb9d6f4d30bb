import { labelsOf } from "./configuration";
import { isObject, type Json, listOf, objectOf, own, text } from "./json";
import { requireShallow } from "./nesting";
import type { Expression, Output, Plan, Resource } from "./resource";
import { UnreadablePlan } from "./unreadable-plan";

/**
 * Reads a stack's synthesized JSON, `cdk.tf.json`. Its references are not
 * resolved: a value that has one counts as unknown.
 *
 * @see https://developer.hashicorp.com/terraform/language/syntax/json
 * @throws UnreadablePlan when it is something else
 */
export function readSynth(json: unknown): Plan {
  if (
    !isObject(json) ||
    !(isObject(own(json, "resource")) || isObject(own(json, "terraform")))
  ) {
    throw new UnreadablePlan(
      "it has neither resource nor terraform; expected is a stack's cdk.tf.json",
    );
  }
  requireShallow(json);
  const terraform = own(json, "terraform");
  const providers = Object.values(objectOf(own(json, "provider"))).flatMap(
    listOf,
  );
  const terraformVersion = text(terraform, "required_version");
  return {
    kind: "synth",
    resources: [
      ...blocks(own(json, "resource"), "managed"),
      ...blocks(own(json, "data"), "data"),
    ],
    drift: [],
    outputs: Object.entries(objectOf(own(json, "output"))).map(output),
    variables: {},
    providerArguments: objectOf(own(json, "provider")),
    beside: Object.fromEntries(
      ["variable", "locals", "module", "ephemeral"].map((part) => [
        part,
        own(json, part),
      ]),
    ),
    labels: Object.fromEntries(
      providers.flatMap((p) => labelsOf(own(p, "default_labels"))),
    ),
    providers: Object.fromEntries(
      Object.entries(objectOf(own(terraform, "required_providers"))).map(
        ([name, entry]) => [
          name,
          { source: text(entry, "source"), version: text(entry, "version") },
        ],
      ),
    ),
    ...(terraformVersion === undefined ? {} : { terraformVersion }),
    faults: [],
  };
}

/** One resource block, as cdktf or a person writes it. */
export function synthResource(
  type: string,
  name: string,
  values: Json,
  mode: Resource["mode"] = "managed",
): Resource {
  return {
    address: `${mode === "data" ? "data." : ""}${type}.${name}`,
    mode,
    type,
    name,
    values,
    unknown: objectOf(unknownMirror(values)),
    sensitive: {},
    before: null,
    actions: [],
    replacePaths: [],
    provisioners: listOf(own(values, "provisioner")).flatMap((entry) =>
      Object.entries(objectOf(entry)).flatMap(([kind, block]) =>
        listOf(block).map((one) => ({
          type: kind,
          arguments: Object.fromEntries(
            Object.entries(objectOf(one)).map(([key, value]) => [
              key,
              expression(value),
            ]),
          ),
        })),
      ),
    ),
    importing: false,
  };
}

function blocks(byType: unknown, mode: Resource["mode"]): Resource[] {
  return Object.entries(objectOf(byType)).flatMap(([type, all]) =>
    Object.entries(objectOf(all)).map(([name, values]) =>
      synthResource(type, name, objectOf(values), mode),
    ),
  );
}

function output([name, block]: [string, unknown]): Output {
  const value = own(block, "value");
  return {
    name,
    value,
    unknown: unknownMirror(value),
    sensitive: own(block, "sensitive") === true,
  };
}

/** `${` begins a reference and `%{` a directive; `$${` and `%%{` are the text itself. */
const REFERENCE = /(?<!\$)(?:\$\$)*\$\{([^}]*)\}|(?<!%)(?:%%)*%\{([^}]*)\}/g;

function expression(value: unknown): Expression {
  const references = new Set<string>();
  const collect = (part: unknown): void => {
    if (typeof part === "string") {
      for (const [, value, directive] of part.matchAll(REFERENCE)) {
        references.add((value ?? directive ?? "").trim());
      }
    } else if (typeof part === "object" && part !== null) {
      Object.values(part).forEach(collect);
    }
  };
  collect(value);
  return { value, references: [...references] };
}

function unknownMirror(value: unknown): unknown {
  if (typeof value === "string") {
    return /[$%]\{/.test(value) && expression(value).references.length > 0;
  }
  if (Array.isArray(value)) return value.map(unknownMirror);
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, unknownMirror(entry)]),
    );
  }
  return false;
}
