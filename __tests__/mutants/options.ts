import type { Profile } from "../../gates/profile";
import type { PlanJson } from "../plan-fixtures";
import { command } from "../plan-edits";
import { JOB, m, type Mutant, service, task, template } from "./mutant";

/** A service's ceiling of a month, and what its training comes to, are below. */
const COST: Partial<Profile> = { costLimit: 1100 };
const NO_INTERNET: Partial<Profile> = { noInternet: "block" };

const held = (profile: Partial<Profile>, mutant: Mutant): Mutant => ({
  ...mutant,
  profile,
});

/** Both workloads reach the internet through the VPC alone. */
function throughTheVpc(plan: PlanJson): void {
  for (const place of [template(plan), task(plan)]) {
    place.vpc_access = [{ egress: "ALL_TRAFFIC" }];
  }
}

const train = (plan: PlanJson) =>
  (command(plan, "run_execution").environment.constant_value.PINNED = "no");

const egress: readonly [string, (plan: PlanJson) => void][] = [
  ["the service has no VPC", (p) => (template(p).vpc_access = [])],
  ["the job has no VPC", (p) => (task(p).vpc_access = [])],
  [
    "the service's own addresses alone go through the VPC",
    (p) => (template(p).vpc_access[0].egress = "PRIVATE_RANGES_ONLY"),
  ],
  [
    "nothing is said of the job's egress",
    (p) => (task(p).vpc_access[0].egress = null),
  ],
];

const costs: readonly [string, string, (plan: PlanJson) => void][] = [
  [
    "G23",
    "two instances at most",
    (p) => (template(p).scaling[0].max_instance_count = 2),
  ],
  [
    "G11 G23",
    "zonal redundancy",
    (p) => (template(p).gpu_zonal_redundancy_disabled = false),
  ],
  [
    "G18 G23",
    "a training of ten attempts, each of a week",
    (p) => {
      train(p);
      task(p).timeout = "604800s";
      task(p).max_retries = 9;
    },
  ],
  [
    "G00 G18",
    "a training whose time limit is not known",
    (p) => {
      train(p);
      task(p).timeout = "soon";
    },
  ],
  [
    "G00",
    "a region whose prices nobody knows",
    (p) => (service(p).location = "us-east4"),
  ],
  [
    "G00",
    "an instance of a size that cannot be read",
    (p) => (template(p).containers[0].resources[0].limits.memory = "lots"),
  ],
];

export const optionsMutants: readonly Mutant[] = [
  ...egress.map(([what, edit]) =>
    held(
      NO_INTERNET,
      m("G21", `without internet, ${what}`, (p) => {
        throughTheVpc(p);
        edit(p);
      }),
    ),
  ),
  ...costs.map(([rules, what, edit]) =>
    held(COST, m(rules, `with a limit of costs, ${what}`, edit)),
  ),
];

/** Good plans under the same options: what each of them passes. */
export const GOOD_WITH_OPTIONS: readonly Mutant[] = [
  held(
    {},
    {
      what: "retries from a dynamic block",
      rules: [],
      edit: (p) => {
        const { expressions } = p.configuration.root_module.resources.find(
          (r: PlanJson) => r.type === JOB,
        );
        delete expressions.template[0].template[0].max_retries;
        task(p).max_retries = 1;
      },
    },
  ),
  held(NO_INTERNET, { what: "egress", rules: [], edit: throughTheVpc }),
  held(COST, { what: "costs", rules: [], edit: () => undefined }),
  held(COST, {
    what: "a training",
    rules: ["G18"],
    edit: train,
  }),
];
