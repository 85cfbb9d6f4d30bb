import type { PlanJson } from "../plan-fixtures";
import { after, unknown } from "../plan-edits";
import {
  SERVICE,
  JOB,
  BUCKET,
  SECRET,
  MODELS,
  m,
  service,
  template,
  task,
  models,
  type Mutant,
} from "./mutant";

const CANNOT_TELL: readonly [
  string,
  (p: PlanJson) => [PlanJson, PlanJson, string],
][] = [
  [
    "invoker_iam_disabled",
    (p) => [service(p), unknown(p, SERVICE), "invoker_iam_disabled"],
  ],
  [
    "deletion_protection",
    (p) => [service(p), unknown(p, SERVICE), "deletion_protection"],
  ],
  [
    "the secret's deletion_protection",
    (p) => [after(p, SECRET), unknown(p, SECRET), "deletion_protection"],
  ],
  [
    "force_destroy",
    (p) => [models(p), unknown(p, BUCKET, MODELS), "force_destroy"],
  ],
  [
    "public_access_prevention",
    (p) => [models(p), unknown(p, BUCKET, MODELS), "public_access_prevention"],
  ],
  [
    "uniform_bucket_level_access",
    (p) => [
      models(p),
      unknown(p, BUCKET, MODELS),
      "uniform_bucket_level_access",
    ],
  ],
  [
    "the service's account",
    (p) => [template(p), unknown(p, SERVICE).template[0], "service_account"],
  ],
  [
    "the job's account",
    (p) => [
      task(p),
      unknown(p, JOB).template[0].template[0],
      "service_account",
    ],
  ],
  [
    "the service's image",
    (p) => [
      template(p).containers[0],
      unknown(p, SERVICE).template[0].containers[0],
      "image",
    ],
  ],
  [
    "a project role",
    (p) => [
      after(p, "google_project_iam_member"),
      unknown(p, "google_project_iam_member"),
      "role",
    ],
  ],
  [
    "a bucket's member",
    (p) => [
      after(p, `${BUCKET}_iam_member`, "serve-viewer"),
      unknown(p, `${BUCKET}_iam_member`, "serve-viewer"),
      "member",
    ],
  ],
  [
    "a secret's member",
    (p) => [
      after(p, `${SECRET}_iam_member`),
      unknown(p, `${SECRET}_iam_member`),
      "member",
    ],
  ],
  [
    "the accelerator",
    (p) => [
      template(p).node_selector[0],
      unknown(p, SERVICE).template[0].node_selector[0],
      "accelerator",
    ],
  ],
  [
    "the minimum of instances",
    (p) => [
      service(p).scaling[0],
      unknown(p, SERVICE).scaling[0],
      "min_instance_count",
    ],
  ],
];

export const notKnownMutants: readonly Mutant[] = [
  ...CANNOT_TELL.map(([what, at]) =>
    m("G00", `${what} is not known`, (p) => {
      const [values, mirror, key] = at(p);
      delete values[key];
      mirror[key] = true;
    }),
  ),
  m(
    "G00",
    "how many tasks there are is not known, nor how many at once",
    (p) => {
      const [values, mirror] = [after(p, JOB), unknown(p, JOB)];
      for (const key of ["task_count", "parallelism"]) {
        delete values.template[0][key];
        mirror.template[0][key] = true;
      }
    },
  ),
];
