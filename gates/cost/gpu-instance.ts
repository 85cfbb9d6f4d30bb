import { ACCELERATORS, type ContainerSize } from "../../constructs/gpu-shapes";
import { attribute, attributes } from "../attribute";
import type { Json } from "../json";
import type { Resource } from "../resource";
import { GPU, inTemplate } from "../workload";

/** Values of a resource, as they will be or as they were. */
export type Values = Pick<Resource, "values" | "unknown">;

/** What decides the price of a service's instance or a job's task. */
export interface GpuInstance {
  /** Undefined where the plan does not say it, or the price table cannot know it. */
  readonly size: ContainerSize | undefined;
  readonly region: string | undefined;

  /** Whether its GPU has zonal redundancy: the default, and dearer. */
  readonly redundant: boolean;
}

/** The values that a resource had, to be read like those that it will have. */
export function valuesBefore({ before }: Resource): Values | undefined {
  return before === null ? undefined : { values: before, unknown: {} };
}

/**
 * What a Cloud Run service or job runs beside a GPU: CPU and memory of all its
 * containers together. Undefined for one without a GPU, and for anything else.
 */
export function gpuInstance(
  type: string,
  values: Values,
): GpuInstance | undefined {
  const at = (...keys: string[]) =>
    attribute(values, inTemplate(type, ...keys))?.value;
  const limits = attributes(
    values,
    inTemplate(type, "containers", "resources", "limits"),
  ).map(({ value }) => value as Json | undefined);
  const accelerator = at("node_selector", "accelerator");
  const gpus = sum(limits.map((limit) => Number(limit?.[GPU] ?? 0)));
  // Limits that are not known may hold a GPU.
  if (gpus === 0 && accelerator === undefined && !limits.includes(undefined)) {
    return undefined;
  }
  const region = attribute(values, ["location"])?.value;
  return {
    size: gpus > 1 ? undefined : size(accelerator, limits),
    region: typeof region === "string" ? region : undefined,
    redundant: at("gpu_zonal_redundancy_disabled") !== true,
  };
}

function size(
  accelerator: unknown,
  limits: readonly (Json | undefined)[],
): ContainerSize | undefined {
  const known = ACCELERATORS.find((name) => name === accelerator);
  // One that is not known makes the sum NaN, which is not above 0.
  const cpu = sum(limits.map((limit) => vcpus(limit?.cpu)));
  const gib = sum(limits.map((limit) => gibibytes(limit?.memory)));
  return known !== undefined && cpu > 0 && gib > 0
    ? { accelerator: known, cpu, memory: `${gib}Gi` }
    : undefined;
}

/** `8` and `8000m` are the same. */
function vcpus(value: unknown): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(value));
  return match === null ? NaN : Number(match[1]) / (match[2] ? 1000 : 1);
}

/** @see https://cloud.google.com/run/docs/configuring/services/memory-limits */
function gibibytes(value: unknown): number {
  const match = /^(\d+(?:\.\d+)?)(Gi|Mi|G|M)$/.exec(String(value));
  const unit = { Gi: 2 ** 30, Mi: 2 ** 20, G: 1e9, M: 1e6 }[match?.[2] ?? ""];
  return (Number(match?.[1] ?? NaN) * (unit ?? NaN)) / 2 ** 30;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
