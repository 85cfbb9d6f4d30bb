import type { Json } from "../state";

const GIB = 1024;

/** Whether a container asks for a GPU. */
export function hasGpu(container: Json): boolean {
  return "nvidia.com/gpu" in (container["resources"]?.limits ?? {});
}

/** CPU and memory of a container without a GPU. @see https://cloud.google.com/run/docs/configuring/services/memory-limits */
export function resourceProblems(container: Json): string[] {
  if (hasGpu(container)) {
    return [];
  }
  const { cpu = "1", memory = "512Mi" } = container["resources"]?.limits ?? {};
  const count = cpuCount(cpu);
  const mebibytes = memoryMebibytes(memory);
  if (!((count >= 0.08 && count <= 1) || [2, 4, 6, 8].includes(count))) {
    return [
      "resources.limits.cpu: Invalid value specified for cpu. Must be equal to one of [.08-1], 2, 4, 6, 8.",
    ];
  }
  const range: Record<number, readonly [number, number]> = {
    4: [2 * GIB, 16 * GIB],
    6: [4 * GIB, 24 * GIB],
    8: [4 * GIB, 32 * GIB],
  };
  const [least, most] = range[count] ?? [128, count === 2 ? 8 * GIB : 4 * GIB];
  return mebibytes >= least && mebibytes <= most
    ? []
    : [
        `resources.limits.memory: Invalid value specified for container memory. For ${count} CPU, memory must be between ${least}Mi and ${most}Mi inclusive.`,
      ];
}

/** `8`, `8000m`. */
export function cpuCount(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) / 1000 : Number(cpu);
}

/** `32Gi`, `512Mi`, bytes. */
export function memoryMebibytes(memory: string): number {
  const [, number, unit = ""] =
    /^([\d.]+)(Gi|Mi|Ki|G|M|k)?$/.exec(memory) ?? [];
  const factors: Record<string, number> = {
    Gi: GIB,
    Mi: 1,
    Ki: 1 / 1024,
    G: 1e9 / 2 ** 20,
    M: 1e6 / 2 ** 20,
    k: 1e3 / 2 ** 20,
    "": 1 / 2 ** 20,
  };
  return Number(number) * factors[unit]!;
}
