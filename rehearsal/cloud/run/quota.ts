import { ApiError } from "../api-error";
import type { CloudSettings } from "../cloud-settings";
import type { Json } from "../state";
import { cpuCount, hasGpu, memoryMebibytes } from "./resource-rules";

/** What the project may have at once in the region. */
export interface Quota {
  /** Of `serviceusage`, after `run.googleapis.com/`. */
  readonly metric: string;
  readonly displayName: string;

  /** Its name where it is violated. */
  readonly violation: string;
  readonly unit: string;

  /** What cannot be set above it, in Cloud Run's words. */
  readonly requirement: string;
  readonly limit: number;

  /** What one instance of a template takes of it. */
  readonly of: (template: Json) => number;
}

const GIB = 2 ** 30;
const CPU = 200;
const MEMORY_GIB = 400;

/** @see https://cloud.google.com/run/quotas */
export function quotasOf({ gpuQuota }: CloudSettings): readonly Quota[] {
  const gpus = (
    accelerator: string,
    name: string,
    redundant: boolean,
    milli: boolean,
  ): Quota => {
    const kind = accelerator.replace(/-/g, "_");
    const factor = milli ? 1000 : 1;
    return {
      metric: `${kind}_gpu_allocation${redundant ? "" : "_no_zonal_redundancy"}`,
      displayName: `Total ${accelerator} GPU allocation${redundant ? "" : " without zonal redundancy"}, per project per region`,
      violation: `${name}GpuAlloc${redundant ? "" : "NoZonalRedundancy"}PerProjectRegion`,
      unit: "1",
      requirement: "in order to set GPU requirements",
      limit: redundant ? 0 : gpuQuota * factor,
      of: (template) =>
        template["nodeSelector"]?.accelerator === accelerator &&
        Boolean(template["gpuZonalRedundancyDisabled"]) !== redundant
          ? factor * (template["containers"] ?? []).filter(hasGpu).length
          : 0,
    };
  };
  return [
    gpus("nvidia-l4", "NvidiaL4", false, false),
    gpus("nvidia-l4", "NvidiaL4", true, false),
    // Counted in thousandths.
    gpus("nvidia-rtx-pro-6000", "NvidiaRtxPro6000", false, true),
    gpus("nvidia-rtx-pro-6000", "NvidiaRtxPro6000", true, true),
    {
      metric: "cpu_allocation",
      displayName:
        "Total CPU allocation, in milli vCPU, per project per region",
      violation: "CpuAllocPerProjectRegion",
      unit: "1",
      requirement: "to set the requested total CPU",
      limit: CPU * 1000,
      of: (template) =>
        sum(template, ({ cpu = "1" }) => 1000 * cpuCount(String(cpu))),
    },
    {
      metric: "mem_allocation",
      displayName: "Total memory allocation, in bytes, per project per region",
      violation: "MemAllocPerProjectRegion",
      unit: "By",
      requirement: "to set the requested total memory",
      limit: MEMORY_GIB * GIB,
      of: (template) =>
        sum(
          template,
          ({ memory = "512Mi" }) => memoryMebibytes(String(memory)) * 2 ** 20,
        ),
    },
  ];
}

/**
 * @throws ApiError for a service that may grow above a quota
 * @see https://github.com/googlecodelabs/feedback/issues/1856 for the words
 */
export function requireServiceQuota(
  settings: CloudSettings,
  template: Json,
): void {
  const most: number = template["scaling"]?.maxInstanceCount ?? 1;
  const over = quotasOf(settings).filter(
    (quota) => quota.of(template) * most > quota.limit,
  );
  const [first] = over;
  if (first === undefined) {
    return;
  }
  const fitting = Math.floor(first.limit / first.of(template));
  throw new ApiError(
    400,
    [
      `template.scaling.max_instance_count: Max instances must be set to ${fitting} or fewer ${first.requirement}.`,
      "Consider running your workload in a region with greater capacity, or requesting an increase in quota for this region if you are seeing sustained usage near this limit, see https://cloud.google.com/run/quotas.",
      "",
      "Quota violated:",
      ...over.map((quota) => violated(quota, quota.of(template) * most)),
    ].join("\n"),
  );
}

/**
 * What starting one more instance would violate.
 *
 * @param running - templates of all that runs in the region
 */
export function violatedAtStart(
  settings: CloudSettings,
  template: Json,
  running: readonly Json[],
): string | undefined {
  const over = quotasOf(settings).flatMap((quota) => {
    const each = quota.of(template);
    const requested = running.reduce<number>(
      (total, other) => total + quota.of(other),
      each,
    );
    return each > 0 && requested > quota.limit
      ? [violated(quota, requested)]
      : [];
  });
  return over.length === 0 ? undefined : `Quota violated: ${over.join(", ")}`;
}

function violated({ violation, limit }: Quota, requested: number): string {
  return `${violation} requested: ${requested} allowed: ${limit}`;
}

function sum(template: Json, of: (limits: Json) => number): number {
  return (template["containers"] ?? []).reduce(
    (total: number, { resources }: Json) => total + of(resources?.limits ?? {}),
    0,
  );
}
