/** Addresses of what a resource's configuration refers to, by its address. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * @param dot - what `terraform graph` prints: resources and data sources, without indexes
 * @see https://developer.hashicorp.com/terraform/cli/commands/graph
 */
export function readDependencies(dot: string): Dependencies {
  const found = new Map<string, string[]>();
  for (const [, from = "", to = ""] of dot.matchAll(
    /^\s*"([^"]+)" -> "([^"]+)";?$/gm,
  )) {
    found.set(from, [...(found.get(from) ?? []), to]);
  }
  return found;
}

/** The other way round: what refers to a resource. */
export function dependents(dependencies: Dependencies): Dependencies {
  const found = new Map<string, string[]>();
  for (const [from, all] of dependencies) {
    for (const to of all) {
      found.set(to, [...(found.get(to) ?? []), from]);
    }
  }
  return found;
}

/** An instance's address without its index, as the graph has it. */
export function withoutIndex(address: string): string {
  return address.replace(/\[[^\]]*\]$/, "");
}
