import type { Json } from "../state";
import { cpuCount, hasGpu, memoryMebibytes } from "./resource-rules";

const GIB = 1024;
const RTX_CPUS = [20, 22, 24, 26, 28, 30];

/** GPU limits. @see https://cloud.google.com/run/docs/configuring/jobs/gpu */
export function gpuProblems(kind: "job" | "service", template: Json): string[] {
  const containers: Json[] = (template["containers"] ?? []).filter(hasGpu);
  const accelerator: string | undefined = template["nodeSelector"]?.accelerator;
  const { gpuZonalRedundancyDisabled: redundancy } = template;
  if (containers.length === 0) {
    return [
      ...(redundancy
        ? [
            "gpu_zonal_redundancy_disabled: GPU resource limits must be set when GPU redundancy is set.",
          ]
        : []),
      ...(accelerator
        ? [
            "node_selector: GPU resource limits must be set with an accelerator.",
          ]
        : []),
    ];
  }
  if (containers.length > 1) {
    return ["GPU can only be set on one container."];
  }
  const [container = {}] = containers;
  const { limits, cpuIdle } = container["resources"];
  const problems: string[] = [];
  if (String(limits["nvidia.com/gpu"]) !== "1") {
    problems.push("resources.limits.nvidia.com/gpu: GPU can only be set to 1.");
  }
  if (accelerator === undefined) {
    problems.push("node_selector: An accelerator must be set with GPU limits.");
  }
  problems.push(...sizeProblems(accelerator, limits));
  if (cpuIdle) {
    problems.push(
      "CPU throttling must be disabled in order to set GPU requirements.",
    );
  }
  if (template["executionEnvironment"] === "EXECUTION_ENVIRONMENT_GEN1") {
    problems.push(
      "Execution environment must be set to gen2 in order to set GPU.",
    );
  }
  if (kind === "job") {
    if (!redundancy) {
      problems.push(
        "Currently Cloud Run jobs are unable to offer GPU enabled instances with zonal redundancy due to capacity limitations. To deploy, set gpu_zonal_redundancy_disabled to true.",
      );
    }
    const seconds = Number.parseFloat(template["timeout"] ?? "600s");
    if (seconds > 3600) {
      problems.push(
        "timeout: Task timeout must be at most 3600 seconds when using GPU.",
      );
    }
  }
  return problems;
}

function sizeProblems(accelerator: string | undefined, limits: Json): string[] {
  const cpu = cpuCount(
    limits["cpu"] ?? (accelerator === "nvidia-l4" ? "8" : "20"),
  );
  const memory = memoryMebibytes(
    limits["memory"] ?? (accelerator === "nvidia-l4" ? "32Gi" : "80Gi"),
  );
  if (accelerator === "nvidia-rtx-pro-6000") {
    const most = 4 * GIB * cpu;
    return [
      ...(RTX_CPUS.includes(cpu)
        ? []
        : [
            `resources.limits.cpu: Must be equal to one of ${RTX_CPUS.map((each) => each.toFixed(1)).join(", ")}.`,
          ]),
      ...(memory >= 80 * GIB && memory <= most
        ? []
        : [
            `resources.limits.memory: In order to set GPU, memory must be between 80Gi and ${4 * cpu}Gi.`,
          ]),
    ];
  }
  const most: Record<number, number> = {
    4: 16 * GIB,
    6: 24 * GIB,
    8: 32 * GIB,
  };
  const tooSmall = [
    ...(cpu >= 4 ? [] : ["CPU must be at least 4"]),
    ...(memory >= 16 * GIB ? [] : ["memory must be at least 16Gi"]),
  ];
  if (tooSmall.length > 0) {
    return [`In order to set GPU, ${tooSmall.join("; ")}.`];
  }
  if (most[cpu] === undefined) {
    return ["resources.limits.cpu: Must be equal to one of 4.0, 6.0, 8.0."];
  }
  return memory <= most[cpu]
    ? []
    : [
        "resources.limits.memory: Invalid value specified for container memory.",
      ];
}
