import { type Json, listOf, objectOf, own, text } from "./json";
import type { Expression, Provisioner, UsedProvider } from "./resource";

/** What only a plan's configuration says about a resource. */
export interface Configured {
  readonly provisioners: readonly Provisioner[];

  /** What is written down, argument by argument. */
  readonly expressions: Json;
}

/** The parts of a plan's `configuration` that rules need. */
export interface Configuration {
  /** By address without indexes. */
  readonly resources: ReadonlyMap<string, Configured>;
  readonly providers: Record<string, UsedProvider>;
  readonly providerArguments: Json;

  /** Default labels of all providers. */
  readonly labels: Record<string, string>;

  /**
   * What is written down beside resources and providers, by place: defaults of
   * variables, arguments of modules, and blocks that no change is about, such
   * as ephemeral ones.
   */
  readonly beside: Json;
}

/**
 * Reads a plan's `configuration`. Its expressions are not resolved: they say
 * what is written down and what is referred to.
 *
 * @see https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation
 */
export function configuration(json: unknown): Configuration {
  const resources = new Map<string, Configured>();
  const beside: Record<string, unknown> = {};
  const modules: { module: unknown; prefix: string }[] = [
    { module: own(json, "root_module"), prefix: "" },
  ];
  for (const { module, prefix } of modules) {
    for (const entry of listOf(own(module, "resources"))) {
      const address = text(entry, "address");
      if (address === undefined) continue;
      resources.set(prefix + address, {
        provisioners: listOf(own(entry, "provisioners")).map(provisioner),
        expressions: objectOf(own(entry, "expressions")),
      });
      if (text(entry, "mode") !== "managed") {
        beside[prefix + address] = own(entry, "expressions");
      }
    }
    for (const [name, entry] of entriesOf(module, "variables")) {
      beside[`${prefix}var.${name}`] = own(entry, "default");
    }
    for (const [name, entry] of entriesOf(module, "outputs")) {
      beside[`${prefix}output.${name}`] = own(entry, "expression");
    }
    const calls = entriesOf(module, "module_calls");
    for (const [name, call] of calls) {
      beside[`${prefix}module.${name}`] = own(call, "expressions");
    }
    modules.push(
      ...calls.map(([name, call]) => ({
        module: own(call, "module"),
        prefix: `${prefix}module.${name}.`,
      })),
    );
  }
  const providers = entriesOf(json, "provider_config");
  return {
    resources,
    // Aliases share a version, which stands with the first of them.
    providers: Object.fromEntries(
      providers
        .filter(([, entry]) => text(entry, "alias") === undefined)
        .map(([name, entry]) => [
          name,
          {
            source: text(entry, "full_name"),
            version: text(entry, "version_constraint"),
          },
        ]),
    ),
    providerArguments: Object.fromEntries(
      providers.map(([name, entry]) => [name, own(entry, "expressions")]),
    ),
    labels: Object.fromEntries(
      providers.flatMap(([, entry]) => {
        const { value } = expression(
          own(own(entry, "expressions"), "default_labels"),
        );
        return labelsOf(value);
      }),
    ),
    beside,
  };
}

function entriesOf(module: unknown, key: string): [string, unknown][] {
  return Object.entries(objectOf(own(module, key)));
}

/** The labels whose values are text. */
export function labelsOf(value: unknown): [string, string][] {
  return Object.entries(objectOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
}

function provisioner(entry: unknown): Provisioner {
  return {
    type: text(entry, "type") ?? "",
    arguments: Object.fromEntries(
      Object.entries(objectOf(own(entry, "expressions")) as Json).map(
        ([name, value]) => [name, expression(value)],
      ),
    ),
  };
}

function expression(entry: unknown): Expression {
  return {
    value: own(entry, "constant_value"),
    references: listOf(own(entry, "references")).map(String),
  };
}

/** The address of the block that instances come from. */
export function withoutIndexes(address: string): string {
  return address.replace(/\[(\d+|"(?:[^"\\]|\\.)*")\]/g, "");
}
