import { type Attribute, attribute, attributes } from "./attribute";
import type { Plan, Resource } from "./resource";
import { remains } from "./resource";

/** A Cloud Run resource that runs containers. */
export interface Workload {
  readonly resource: Resource;
  readonly kind: "service" | "job" | "worker pool";

  /** Path to the template with containers and identity. */
  readonly template: readonly string[];

  /** Name of the template's argument with the identity. */
  readonly account: string;
}

/**
 * The template's place by type: the second version's job has one more level, the
 * first version's service is Knative's.
 *
 * @see https://cloud.google.com/run/docs/reference/rest
 */
const TYPES: Readonly<Record<string, Omit<Workload, "resource">>> = {
  google_cloud_run_v2_service: {
    kind: "service",
    template: ["template"],
    account: "service_account",
  },
  google_cloud_run_v2_job: {
    kind: "job",
    template: ["template", "template"],
    account: "service_account",
  },
  google_cloud_run_v2_worker_pool: {
    kind: "worker pool",
    template: ["template"],
    account: "service_account",
  },
  google_cloud_run_service: {
    kind: "service",
    template: ["template", "spec"],
    account: "service_account_name",
  },
};

/** Path of a key in a type's template; of none for another type. */
export function inTemplate(type: string, ...keys: string[]): string[] {
  return [...(TYPES[type]?.template ?? []), ...keys];
}

/** Everything of Cloud Run that will be there after the apply. */
export function workloads({ resources }: Plan): Workload[] {
  return resources
    .filter(
      (r) => r.mode === "managed" && Object.hasOwn(TYPES, r.type) && remains(r),
    )
    .map((resource) => ({ resource, ...TYPES[resource.type]! }));
}

/** Name of the resource that a container asks a GPU by. */
export const GPU = "nvidia.com/gpu";

/** GPUs of one instance or task. */
export interface Gpus {
  /** How many; NaN where that is not known. */
  readonly count: number;
  readonly limits: readonly Attribute[];
  readonly accelerator?: Attribute;
}

/** The GPUs of a workload, undefined without any. All containers are looked at. */
export function gpus({ resource, template }: Workload): Gpus | undefined {
  const limits = attributes(resource, [
    ...template,
    "containers",
    "resources",
    "limits",
    GPU,
  ]);
  const accelerator = ["accelerator", "run.googleapis.com/accelerator"]
    .map((key) => attribute(resource, [...template, "node_selector", key]))
    .find((found) => found !== undefined);
  const count = limits
    .map(({ known, value }) => (known ? gpuCount(value) : NaN))
    .reduce((sum, gpus) => sum + gpus, 0);
  if (count === 0 && accelerator === undefined) return undefined;
  return {
    // Cloud Run gives an instance with an accelerator one of it.
    count: count === 0 ? 1 : count,
    limits,
    ...(accelerator === undefined ? {} : { accelerator }),
  };
}

/** What is no count takes nothing away from the others. */
function gpuCount(limit: unknown): number {
  return /^\d+$/.test(String(limit)) ? Number(limit) : NaN;
}
