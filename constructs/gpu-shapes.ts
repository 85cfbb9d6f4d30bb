/**
 * What Cloud Run accepts beside a GPU. Neither the provider nor its types check
 * any of this: a wrong shape would fail after ten minutes of image builds.
 *
 * @see https://cloud.google.com/run/docs/configuring/jobs/gpu
 * @see https://cloud.google.com/run/docs/configuring/services/gpu
 */
export interface GpuShape {
  /** Accepted vCPU counts. */
  readonly cpu: readonly number[];

  /** Smallest accepted container memory, in GiB. */
  readonly minimumMemoryGib: number;

  /** Largest accepted container memory per vCPU, in GiB. */
  readonly memoryGibPerCpu: number;

  /** Regions that offer it; some only by invitation. */
  readonly regions: readonly string[];

  /** Major version of the NVIDIA driver that Cloud Run brings. */
  readonly driver: number;
}

/** Accelerators by their Cloud Run name. */
export const GPU_SHAPES = {
  "nvidia-l4": {
    cpu: [4, 6, 8],
    minimumMemoryGib: 16,
    memoryGibPerCpu: 4,
    regions: [
      "asia-south1",
      "asia-southeast1",
      "europe-west1",
      "europe-west4",
      "us-central1",
      "us-east4",
    ],
    driver: 535,
  },
  "nvidia-rtx-pro-6000": {
    cpu: [20, 22, 24, 26, 28, 30],
    minimumMemoryGib: 80,
    memoryGibPerCpu: 4,
    regions: ["asia-south2", "asia-southeast1", "europe-west4", "us-central1"],
    driver: 580,
  },
} as const satisfies Record<string, GpuShape>;

/** Name of an accelerator that Cloud Run offers. */
export type Accelerator = keyof typeof GPU_SHAPES;

/** The accelerators' names. */
export const ACCELERATORS = Object.keys(GPU_SHAPES) as Accelerator[];

/** What vLLM's image is built for, and the base in `vllm/Dockerfile`. */
export const CUDA_BASES = { "12.9": "cuda12", "13.0": "cuda13" } as const;

/** A CUDA version that vLLM's image comes with. */
export type Cuda = keyof typeof CUDA_BASES;

/** First driver that runs CUDA 13 as it is. */
const CUDA_13_DRIVER = 580;

/** Whether an image's CUDA needs its compatibility library on an accelerator. */
export function needsCompatibility(accelerator: Accelerator): boolean {
  return GPU_SHAPES[accelerator].driver < CUDA_13_DRIVER;
}

/** The base of vLLM's image that suits an accelerator's driver best. */
export function cudaBase({
  cuda,
  accelerator,
}: {
  readonly cuda: Cuda | "auto";
  readonly accelerator: Accelerator;
}): (typeof CUDA_BASES)[Cuda] {
  const suited = needsCompatibility(accelerator) ? "12.9" : "13.0";
  return CUDA_BASES[cuda === "auto" ? suited : cuda];
}

/** Regions in which at least one accelerator is offered, sorted. */
export const GPU_REGIONS = [
  ...new Set(Object.values(GPU_SHAPES).flatMap(({ regions }) => regions)),
].sort();

/** A region that offers an accelerator. */
export type GpuRegion = (typeof GPU_REGIONS)[number];

/** A GPU task is ended after an hour, whatever its retries. */
export const GPU_TASK_TIMEOUT_SECONDS = 3600;

/** With a GPU, `failureThreshold` times `periodSeconds` may be half an hour. */
export const GPU_STARTUP_SECONDS = 1800;

/** A container size to be checked. */
export interface ContainerSize {
  readonly accelerator: Accelerator;
  readonly cpu: number;
  /** Such as `32Gi`. */
  readonly memory: string;
}

/** What Cloud Run would refuse about a size, by the key that is wrong. */
export function sizeProblems(
  { accelerator, cpu, memory }: ContainerSize,
  region: string,
): { key: keyof ContainerSize; allowed: string }[] {
  const shape: GpuShape = GPU_SHAPES[accelerator];
  const problems: { key: keyof ContainerSize; allowed: string }[] = [];
  if (!shape.regions.includes(region)) {
    problems.push({
      key: "accelerator",
      allowed: `an accelerator that region '${region}' offers: ${
        ACCELERATORS.filter((name) =>
          (GPU_SHAPES[name] as GpuShape).regions.includes(region),
        ).join(", ") || "none"
      } (${accelerator} is in ${shape.regions.join(", ")})`,
    });
  }
  if (!shape.cpu.includes(cpu)) {
    problems.push({
      key: "cpu",
      allowed: `${shape.cpu.join(", ")} beside ${accelerator}`,
    });
    return problems;
  }
  const most = shape.memoryGibPerCpu * cpu;
  const gib = Number(memory.replace(/Gi$/, ""));
  if (gib < shape.minimumMemoryGib || gib > most) {
    const range =
      shape.minimumMemoryGib === most
        ? `${most}Gi`
        : `${shape.minimumMemoryGib}Gi to ${most}Gi`;
    problems.push({
      key: "memory",
      allowed: `${range} beside ${accelerator} with ${cpu} CPU`,
    });
  }
  return problems;
}
