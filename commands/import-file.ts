import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Stack, StackJson } from "./synthesis";
import type { StateResource } from "./terraform";
import type { Import } from "./recover/existing-resources";

/** Beside cdk.tf.json, so that Terraform reads both. */
const importFile = (stack: Stack) =>
  path.join(stack.directory, "imports.tf.json");

/**
 * Has the next apply take resources into the state. Import blocks, so that they
 * stand in the plan and nothing happens before that is approved.
 *
 * @see https://developer.hashicorp.com/terraform/language/import
 */
export function writeImports(stack: Stack, imports: readonly Import[]): void {
  if (imports.length === 0) {
    removeImports(stack);
  } else {
    writeFileSync(
      importFile(stack),
      `${JSON.stringify({ import: imports }, null, 2)}\n`,
    );
  }
}

/** Those that wait for an apply. */
export function readImports(stack: Stack): Import[] {
  const file = importFile(stack);
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as { import: Import[] }).import
    : [];
}

/**
 * Leaves only imports of what is declared and not in the state: one of a
 * resource that the settings no longer have would be an error.
 */
export function pruneImports(
  stack: Stack,
  json: StackJson,
  state: readonly StateResource[],
): Import[] {
  const held = new Set(state.map(({ address }) => address));
  const left = readImports(stack).filter(({ to }) => {
    const [type = "", name = ""] = to.split(".");
    return json.resource?.[type]?.[name] !== undefined && !held.has(to);
  });
  writeImports(stack, left);
  return left;
}

/** Adds one, or puts it in the place of what was there. */
export function addImport(stack: Stack, one: Import): void {
  const others = readImports(stack).filter(({ to }) => to !== one.to);
  writeImports(stack, [...others, one]);
}

/** Takes one away: when what it names is not there, it would be an error. */
export function dropImport(stack: Stack, address: string): void {
  writeImports(
    stack,
    readImports(stack).filter(({ to }) => to !== address),
  );
}

/** After an apply: without the resources they would be errors. */
export function removeImports(stack: Stack): void {
  rmSync(importFile(stack), { force: true });
}
