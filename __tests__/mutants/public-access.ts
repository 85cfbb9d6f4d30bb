import { add, after, changeOf, unknown } from "../plan-edits";
import {
  SERVICE,
  JOB,
  SECRET,
  REPOSITORY,
  EVERYBODY,
  m,
  service,
  template,
  type Mutant,
} from "./mutant";

const RUN_IAM = [SERVICE, JOB, "google_cloud_run_service"];

const publicMembers = [
  ...RUN_IAM.flatMap((type) =>
    EVERYBODY.map((member) =>
      m("G01", `${member} may invoke (${type}_iam_member)`, (p) =>
        add(p, `${type}_iam_member`, {
          name: "other",
          service: "other",
          role: "roles/run.invoker",
          member,
        }),
      ),
    ),
  ),
  m("G01", "allUsers in other letters", (p) =>
    add(p, `${JOB}_iam_member`, {
      role: "roles/run.invoker",
      member: "AllUsers",
    }),
  ),
  m("G01 G03", "a binding for everybody on the service", (p) => {
    service(p).ingress = "INGRESS_TRAFFIC_ALL";
    add(p, `${SERVICE}_iam_binding`, {
      name: service(p).name,
      role: "roles/run.invoker",
      members: ["user:ada@example.com", "allUsers"],
    });
  }),
  m("G01", "a policy for everybody", (p) =>
    add(p, `${JOB}_iam_policy`, {
      policy_data: JSON.stringify({
        bindings: [{ role: "roles/run.invoker", members: ["allUsers"] }],
      }),
    }),
  ),
  m("G00", "a policy that is no JSON", (p) =>
    add(p, `${JOB}_iam_policy`, { policy_data: "{" }),
  ),
  m("G01", "everybody may read the images", (p) =>
    add(p, `${REPOSITORY}_iam_member`, {
      role: "roles/artifactregistry.reader",
      member: "allUsers",
    }),
  ),
  m("G01", "everybody may read the secret", (p) => {
    after(p, `${SECRET}_iam_member`).member = "allAuthenticatedUsers";
  }),
  m("G01", "a google_iam_policy for everybody was read", (p) => {
    p.prior_state = {
      values: {
        root_module: {
          resources: [
            {
              address: "data.google_iam_policy.open",
              mode: "data",
              type: "google_iam_policy",
              name: "open",
              values: {
                binding: [{ role: "roles/run.invoker", members: ["allUsers"] }],
              },
            },
          ],
        },
      },
    };
  }),
];

const service_ = [
  m(
    "G02",
    "the invoker check is off",
    (p) => (service(p).invoker_iam_disabled = true),
  ),
  m(
    "G02",
    "the invoker check is off, as text",
    (p) => (service(p).invoker_iam_disabled = "true"),
  ),
  m("G02 G03", "the invoker check is off, and ingress open", (p) => {
    service(p).invoker_iam_disabled = true;
    service(p).ingress = "INGRESS_TRAFFIC_ALL";
  }),
  m(
    "G03",
    "ingress from anywhere",
    (p) => (service(p).ingress = "INGRESS_TRAFFIC_ALL"),
  ),
  m("G03", "ingress is not set", (p) => (service(p).ingress = null)),
  m("G03", "a service of the first API says nothing about ingress", (p) =>
    add(p, "google_cloud_run_service", {
      name: "first",
      project: "my-project",
      template: [
        {
          spec: [
            {
              service_account_name: "x@my-project.iam.gserviceaccount.com",
              containers: [{ image: template(p).containers[0].image }],
            },
          ],
        },
      ],
    }),
  ),
  m("G03", "ingress is not known", (p) => {
    delete service(p).ingress;
    unknown(p, SERVICE).ingress = true;
  }),
  m(
    "G07",
    "the service is not protected",
    (p) => (service(p).deletion_protection = false),
  ),
  m("G07", "protection of the service is lifted", (p) => {
    const { change } = changeOf(p, SERVICE);
    change.actions = ["update"];
    change.before = structuredClone(change.after);
    change.after.deletion_protection = false;
  }),
  m(
    "G07",
    "the secret is not protected",
    (p) => (after(p, SECRET).deletion_protection = false),
  ),
  m(
    "G07",
    "the secret says nothing about protection",
    (p) => (after(p, SECRET).deletion_protection = null),
  ),
];

export const publicAccessMutants: readonly Mutant[] = [
  ...publicMembers,
  ...service_,
];
