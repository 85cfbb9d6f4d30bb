import { ACCELERATORS } from "../../constructs/gpu-shapes";
import { attribute, attributes } from "../attribute";
import { WHOLE_PLAN } from "../finding";
import { instances } from "../instances";
import type { Plan } from "../resource";
import { type Observation, type Rule, unknownAttribute } from "../rule";
import { gpus, type Workload, workloads } from "../workload";

/** How many GPUs may run at once is written down, and within a limit. */
export const gpuLimit: Rule = {
  id: "G09",
  title: "GPUs at the same time are limited",
  why: "Each instance holds a GPU that is billed from its start to its end.",
  page: "https://cloud.google.com/run/docs/configuring/max-instances",
  check(plan, { gpuLimit: limit }) {
    const each = withGpus(plan);
    const problems = each.flatMap(({ workload, most, ...more }) => [
      ...accelerators(workload, plan),
      ...(Number.isNaN(more.gpus) ? countUnknown(workload) : []),
      ...(most === undefined ? unlimited(workload) : []),
      ...(Number.isNaN(most) ? tasksUnknown(workload) : []),
    ]);
    const sum = each.reduce(
      (total, { most, gpus }) => total + (most || 0) * (gpus || 0),
      0,
    );
    return sum <= limit
      ? problems
      : [
          ...problems,
          {
            level: "block",
            address: WHOLE_PLAN,
            message: `up to ${sum} GPUs at the same time, allowed are ${limit}: ${each
              .map((e) => `${e.workload.resource.address} ${e.most ?? "?"}`)
              .join(", ")}`,
            change:
              "lower serving.maxInstances, or judge with a higher --gpu-limit",
          },
        ];
  },
};

function withGpus(plan: Plan) {
  return workloads(plan).flatMap((workload) => {
    const found = gpus(workload);
    return found === undefined
      ? []
      : [{ workload, gpus: found.count, most: most(workload) }];
  });
}

/** Instances or tasks at a time; undefined without a limit, NaN where it is not known. */
function most({ resource, kind }: Workload): number | undefined {
  const number = (...path: string[]) =>
    attributes(resource, path)
      .map(({ known, value }) => (known ? Number(value) : NaN))
      .filter((value) => value > 0)[0];
  if (kind === "job") {
    const count = attribute(resource, TASKS);
    const tasks = count?.known === false ? Infinity : (number(...TASKS) ?? 1);
    const most = Math.min(tasks, number("template", "parallelism") ?? tasks);
    return Number.isFinite(most) ? most : NaN;
  }
  return instances(resource.type, resource).most;
}

const TASKS = ["template", "task_count"];

function unlimited({ resource }: Workload): Observation[] {
  return [
    {
      level: "block",
      address: resource.address,
      attribute: "template.scaling.max_instance_count",
      message:
        "no maximum of instances is written down (Cloud Run's own is 100)",
      change: "set serving.maxInstances",
    },
  ];
}

function tasksUnknown({ resource }: Workload): Observation[] {
  return [unknownAttribute(resource, { path: TASKS.join(".") }, "G09")];
}

function countUnknown(workload: Workload): Observation[] {
  const limits = gpus(workload)?.limits ?? [];
  const open = limits.find(({ known }) => !known) ?? limits[0];
  return [unknownAttribute(workload.resource, open ?? { path: "" }, "G09")];
}

function accelerators(workload: Workload, { kind }: Plan): Observation[] {
  const found = gpus(workload)?.accelerator;
  if (found !== undefined && !found.known) {
    return kind === "plan"
      ? [unknownAttribute(workload.resource, found, "G09")]
      : [];
  }
  return found === undefined ||
    ACCELERATORS.includes(found.value as "nvidia-l4")
    ? []
    : [
        {
          level: "block",
          address: workload.resource.address,
          attribute: found.path,
          message: `the accelerator ${JSON.stringify(found.value)} is not on the list`,
          change: `choose one of ${ACCELERATORS.join(", ")}`,
        },
      ];
}
