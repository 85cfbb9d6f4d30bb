import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, type Raw } from "./synthesize";

/** A stack whose first plan is kept as a fixture. */
export interface PlannedStack {
  readonly environment: string;
  readonly settings: Raw;
}

/**
 * What `terraform show -json` said of these stacks, with the real providers. The
 * time of the plan is replaced; there is nothing else in it of whoever made it.
 */
export const PLANNED: Readonly<Record<string, PlannedStack>> = {
  dev: { environment: "dev", settings: environment() },
  prod: { environment: "prod", settings: environment() },
  // Nothing left to look at: what the rules want is set, and nothing is trained.
  reviewed: {
    environment: "prod",
    settings: environment(
      { labels: { owner: "data", "cost-center": "c1" } },
      { pin: "0123456789ab", serving: { ingress: "internal" } },
    ),
  },
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type PlanJson = any;

export function fixtureFile(name: string): string {
  return join(__dirname, "fixtures", `plan-${name}.json`);
}

/** A plan of its own for whoever edits it. */
export function planFixture(name: string): PlanJson {
  return JSON.parse(readFileSync(fixtureFile(name), "utf8"));
}

/**
 * What a plan consists of, without its values: every path, with types in place
 * of addresses. Names that somebody chose are no part of it.
 */
export function planShape(plan: PlanJson): string[] {
  const paths = new Set<string>();
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) {
      value.forEach((entry) => walk(entry, `${path}[]`));
    } else if (typeof value === "object" && value !== null) {
      for (const [key, entry] of Object.entries(value)) {
        walk(entry, CHOSEN.test(path) ? `${path}.*` : `${path}.${key}`);
      }
    } else {
      paths.add(path);
    }
  };
  const { resource_changes: changes, configuration, ...rest } = plan;
  Object.keys(rest).forEach((key) => paths.add(key));
  for (const { type, change, ...entry } of changes) {
    Object.keys(entry).forEach((key) => paths.add(`change.${key}`));
    walk(change.after, `${type}.after`);
    walk(change.after_unknown, `${type}.unknown`);
  }
  for (const { type, expressions, provisioners } of configuration.root_module
    .resources) {
    walk(expressions, `${type}.written`);
    walk(provisioners ?? [], `${type}.provisioners`);
  }
  return [...paths].sort();
}

/** Objects whose keys are chosen by people or by scripts. */
const CHOSEN = /(labels|triggers|environment\.constant_value)$/;
