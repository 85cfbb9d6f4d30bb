import { flag } from "../bucket";
import type { Rule } from "../rule";
import { gpus, workloads } from "../workload";

/** Redundancy between zones is a choice: it makes an L4 1.56 times as dear. */
export const zonalRedundancy: Rule = {
  id: "G11",
  title: "GPUs without zonal redundancy",
  why: "Zonal redundancy reserves GPUs in more zones and costs 1.56 times as much.",
  page: "https://cloud.google.com/run/docs/configuring/services/gpu-zonal-redundancy",
  check: (plan) =>
    workloads(plan).flatMap((workload) => {
      if (gpus(workload) === undefined) return [];
      const path = [...workload.template, "gpu_zonal_redundancy_disabled"];
      return flag(workload.resource, path).on
        ? []
        : [
            {
              level: "flag" as const,
              address: workload.resource.address,
              attribute: path.join("."),
              message: "the GPU has zonal redundancy",
              change: "set gpu_zonal_redundancy_disabled to true",
            },
          ];
    }),
};
