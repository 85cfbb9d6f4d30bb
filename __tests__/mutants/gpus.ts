import type { PlanJson } from "../plan-fixtures";
import { add, after, deleted, unknown } from "../plan-edits";
import { JOB, BUDGET, m, service, template, task, type Mutant } from "./mutant";

export const gpusMutants: readonly Mutant[] = [
  m(
    "G09",
    "nine GPUs at once",
    (p) => (template(p).scaling[0].max_instance_count = 9),
  ),
  m(
    "G09",
    "no maximum",
    (p) => (template(p).scaling[0].max_instance_count = null),
  ),
  m("G09", "no scaling at all", (p) => {
    template(p).scaling = [];
    service(p).scaling = [];
  }),
  m("G09", "eight tasks at a time", (p) => {
    after(p, JOB).template[0].task_count = 8;
    after(p, JOB).template[0].parallelism = 8;
  }),
  m("G09", "many tasks, and no limit on them", (p) => {
    after(p, JOB).template[0].task_count = 20;
    after(p, JOB).template[0].parallelism = null;
  }),
  m("G09", "eight GPUs in one container", (p) => {
    template(p).containers[0].resources[0].limits["nvidia.com/gpu"] = "8";
  }),
  m("G09", "GPUs in a second container", (p) => {
    const second = structuredClone(template(p).containers[0]);
    second.resources[0].limits["nvidia.com/gpu"] = "7";
    template(p).containers.push(second);
  }),
  m("G09", "nine instances with an accelerator and no limit of GPUs", (p) => {
    template(p).containers[0].resources[0].limits["nvidia.com/gpu"] = "0";
    template(p).scaling[0].max_instance_count = 9;
  }),
  m("G00", "fewer GPUs than none in a second container", (p) => {
    const second = structuredClone(template(p).containers[0]);
    second.resources[0].limits["nvidia.com/gpu"] = "-1";
    template(p).containers.push(second);
  }),
  m("G09 G10", "twenty instances by hand, beside a maximum of one", (p) => {
    service(p).scaling[0].scaling_mode = "MANUAL";
    service(p).scaling[0].manual_instance_count = 20;
  }),
  m("G00 G09", "as many instances as somebody says by hand", (p) => {
    service(p).scaling[0].scaling_mode = "MANUAL";
  }),
  m("G10", "a worker pool, whose instances always run", (p) =>
    add(p, "google_cloud_run_v2_worker_pool", {
      project: "my-project",
      scaling: [{ manual_instance_count: 1 }],
      template: [
        {
          service_account: "x@my-project.iam.gserviceaccount.com",
          node_selector: [{ accelerator: "nvidia-l4" }],
          gpu_zonal_redundancy_disabled: true,
          containers: [
            {
              image: template(p).containers[0].image,
              resources: [{ limits: { "nvidia.com/gpu": "1" } }],
            },
          ],
        },
      ],
    }),
  ),
  m("G09", "an accelerator that nobody allowed", (p) => {
    template(p).node_selector[0].accelerator = "nvidia-h100-80gb";
  }),
  m("G09", "an accelerator of the job that nobody allowed", (p) => {
    task(p).node_selector[0].accelerator = "nvidia-a100";
  }),
  m(
    "G10",
    "an instance always runs, above the budget",
    (p) => (service(p).scaling[0].min_instance_count = 1),
  ),
  m(
    "G10",
    "an instance of the revision always runs",
    (p) => (template(p).scaling[0].min_instance_count = 1),
  ),
  m("G10", "an instance always runs, within the budget", (p) => {
    service(p).scaling[0].min_instance_count = 1;
    after(p, BUDGET).amount[0].specified_amount[0].units = "2000";
  }),
  m("G00 G10", "an instance always runs, and the budget is not known", (p) => {
    service(p).scaling[0].min_instance_count = 1;
    delete after(p, BUDGET).amount[0].specified_amount[0].units;
    unknown(p, BUDGET).amount = [{ specified_amount: [{ units: true }] }];
  }),
  m("G10", "an instance always runs, and the budget is in yen", (p) => {
    service(p).scaling[0].min_instance_count = 1;
    after(p, BUDGET).amount[0].specified_amount[0].currency_code = "JPY";
  }),
  m("G10b", "the job's retries are left to the provider", (p) => {
    const { expressions } = p.configuration.root_module.resources.find(
      (r: PlanJson) => r.type === JOB,
    );
    delete expressions.template[0].template[0].max_retries;
  }),
  m(
    "G11",
    "the service's GPU has zonal redundancy",
    (p) => (template(p).gpu_zonal_redundancy_disabled = false),
  ),
  m(
    "G11",
    "nothing is said of zonal redundancy",
    (p) => (template(p).gpu_zonal_redundancy_disabled = null),
  ),
  m(
    "G11",
    "the job's GPU has zonal redundancy",
    (p) => (task(p).gpu_zonal_redundancy_disabled = false),
  ),
  m("G12", "the budget goes", (p) => deleted(p, BUDGET)),
  m("G12", "there is no budget", (p) => {
    p.resource_changes = p.resource_changes.filter(
      (r: PlanJson) => r.type !== BUDGET,
    );
  }),
];
