import type { Json } from "../state";
import { gpuProblems } from "./gpu-rules";
import { referenceProblems } from "./reference-rules";
import { hasGpu, resourceProblems } from "./resource-rules";
import { mountProblems, secretVolumeProblems } from "./volume-rules";

const RESERVED: Readonly<Record<"job" | "service", readonly string[]>> = {
  service: ["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"],
  job: [
    "CLOUD_RUN_JOB",
    "CLOUD_RUN_EXECUTION",
    "CLOUD_RUN_TASK_INDEX",
    "CLOUD_RUN_TASK_ATTEMPT",
    "CLOUD_RUN_TASK_COUNT",
  ],
};

/**
 * What Cloud Run refuses of a template beyond what the discovery document says, in its words as far as
 * they are known.
 *
 * @param kind - whose template it is
 * @see https://cloud.google.com/run/docs/reference/rest/v2/Container
 */
export function templateProblems(
  kind: "job" | "service",
  template: Json,
): string[] {
  const containers: Json[] = template["containers"] ?? [];
  return [
    ...containers.flatMap((container) => [
      ...environmentProblems(kind, container),
      ...(container["args"]?.length > 1000
        ? ["args: At most 1000 arguments are allowed."]
        : []),
      ...resourceProblems(container),
      ...probeProblems(container, hasGpu(container)),
      ...mountProblems(template, container),
      ...(kind === "job" && container["ports"]
        ? ["ports: Container ports are not allowed in jobs."]
        : []),
      ...(kind === "job" && container["livenessProbe"]
        ? ["liveness_probe: Liveness probes are not allowed in jobs."]
        : []),
    ]),
    ...referenceProblems(template),
    ...secretVolumeProblems(template),
    ...gpuProblems(kind, template),
    ...numberProblems(kind, template),
    ...networkProblems(template),
    ...labelProblems(template),
  ];
}

function environmentProblems(kind: "job" | "service", { env = [] }: Json) {
  const problems: string[] = [];
  const names: string[] = env.map(({ name }: Json) => name);
  const reserved = names.filter(
    (name) => RESERVED[kind].includes(name) || name.startsWith("X_GOOGLE_"),
  );
  if (reserved.length > 0) {
    problems.push(
      `env: The following reserved env names were provided: ${reserved.join(", ")}. These values are automatically set by the system.`,
    );
  }
  if (new Set(names).size < names.length) {
    problems.push("env: Duplicate environment variable names are not allowed.");
  }
  if (names.length > 1000) {
    problems.push("env: At most 1000 environment variables are allowed.");
  }
  for (const { name, value = "" } of env) {
    if (value.length > 32_768) {
      problems.push(`env.${name}: Value must be at most 32768 characters.`);
    }
  }
  return problems;
}

function probeProblems({ startupProbe: probe }: Json, gpu: boolean): string[] {
  if (probe === undefined) {
    return [];
  }
  const problems: string[] = [];
  const {
    initialDelaySeconds = 0,
    periodSeconds = 10,
    timeoutSeconds = 1,
    failureThreshold = 3,
  } = probe;
  for (const [name, value] of Object.entries({
    initialDelaySeconds,
    periodSeconds,
    timeoutSeconds,
  })) {
    if (value > 240) {
      problems.push(
        `startup_probe.${name}: must be a number between 0 and 240.`,
      );
    }
  }
  if (timeoutSeconds > periodSeconds) {
    problems.push(
      "startup_probe.timeout_seconds: must be less than or equal to period_seconds.",
    );
  }
  const most = gpu ? 1800 : 600;
  if (failureThreshold * periodSeconds > most) {
    problems.push(
      `startup_probe: failure_threshold * period_seconds must not exceed ${most} seconds.`,
    );
  }
  return problems;
}

function numberProblems(kind: "job" | "service", template: Json): string[] {
  const between = (path: string, value: unknown, most: number) =>
    value === undefined || (Number(value) >= 0 && Number(value) <= most)
      ? []
      : [`${path}: Must be a number between 0 and ${most}.`];
  if (kind === "job") {
    const gen1 =
      template["executionEnvironment"] === "EXECUTION_ENVIRONMENT_GEN1";
    return [
      ...between("max_retries", template["maxRetries"], 10),
      ...(gen1 ? ["execution_environment: Jobs must use gen2."] : []),
    ];
  }
  const seconds = Number.parseFloat(template["timeout"] ?? "300s");
  return [
    ...between(
      "max_instance_request_concurrency",
      template["maxInstanceRequestConcurrency"],
      1000,
    ),
    ...(seconds > 3600
      ? ["timeout: The maximum allowed time is one hour (3600s)."]
      : []),
  ];
}

function networkProblems({ vpcAccess }: Json): string[] {
  const interfaces: Json[] = vpcAccess?.networkInterfaces ?? [];
  return [
    ...(interfaces.length > 1
      ? [
          "vpc_access.network_interfaces: Only one network interface is allowed.",
        ]
      : []),
    ...(interfaces.length > 0 && vpcAccess.connector
      ? ["vpc_access: A connector and network interfaces cannot both be set."]
      : []),
    ...interfaces.flatMap(({ network, subnetwork }) =>
      network || subnetwork
        ? []
        : [
            "vpc_access.network_interfaces: A network or subnetwork is required.",
          ],
    ),
  ];
}

/** Also of the resource around the template. */
export function labelProblems({
  labels = {},
  annotations = {},
}: Json): string[] {
  const system =
    /^(run|cloud)\.googleapis\.com\/|^(serving|autoscaling)\.knative\.dev\//;
  return [
    ...Object.keys({ ...labels, ...annotations }).flatMap((name) =>
      system.test(name)
        ? [`${name}: system annotations are not supported.`]
        : [],
    ),
    ...Object.entries(labels).flatMap(([name, value]) =>
      /^[a-z][a-z0-9_-]{0,62}$/.test(name) &&
      /^[a-z0-9_-]{0,63}$/.test(String(value))
        ? []
        : [`labels.${name}: '${value}' is not a valid label.`],
    ),
  ];
}
