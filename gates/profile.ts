import type { Plan } from "./resource";
import { attribute, attributesBefore } from "./attribute";
import { objectOf } from "./json";
import { labelsOf } from "./configuration";

/** What the rules hold a plan against, beside the plan itself. */
export interface Profile {
  /** Whether people depend on it: some rules block there and flag elsewhere. */
  readonly production: boolean;

  /** GPUs that may run at the same time. */
  readonly gpuLimit: number;

  /**
   * US dollars a month of serving, and for the training runs of one apply.
   *
   * @default - costs are told but not limited
   */
  readonly costLimit?: number;

  /** Level of G21 where containers must not reach the internet by themselves. */
  readonly noInternet?: "flag" | "block";
}

/** Two models that train and serve at once, and room to double that. */
export const GPU_LIMIT = 8;

/** `prod`, `production`, `prod-eu`, `my-prod`; not `non-prod` or `preprod`. */
const PRODUCTION = /^(?!(non|pre|not)-)([a-z0-9-]+-)?(prod|production)(-|$)/;

/** Whether an environment of this name is production. */
export function isProduction(environment: string): boolean {
  return PRODUCTION.test(environment.toLowerCase());
}

/** Label that the stack puts on everything, with its environment's name. */
export const ENVIRONMENT_LABEL = "env";

/**
 * The environments that a plan says it is for, by the label that the provider
 * or any single resource has or had: no apply takes itself out of production. A
 * plan does not hold the stack's name.
 */
export function environmentsOf({ labels, resources }: Plan): string[] {
  const found = new Set<string>();
  const add = (value: unknown) => {
    if (typeof value === "string" && value !== "") found.add(value);
  };
  add(labels[ENVIRONMENT_LABEL]);
  for (const resource of resources) {
    for (const key of ["effective_labels", "terraform_labels", "labels"]) {
      const path = [key, ENVIRONMENT_LABEL];
      add(attribute(resource, path)?.value);
      add(attributesBefore(resource, path)[0]?.value);
    }
  }
  return [...found].sort();
}

/** Labels of a resource, as far as they are known, with the provider's. */
export function labelsOfResource(
  { labels }: Plan,
  values: unknown,
): Record<string, string> {
  const of = objectOf(values);
  return {
    ...labels,
    ...Object.fromEntries(
      ["labels", "terraform_labels", "effective_labels"].flatMap((key) =>
        labelsOf(of[key]),
      ),
    ),
  };
}
