import { add, after, command, replaced, unknown } from "../plan-edits";
import { JOB, m, template, task, type Mutant } from "./mutant";

const identities = [
  ...[
    "owner",
    "editor",
    "storage.admin",
    "run.admin",
    "resourcemanager.projectIamAdmin",
    "iam.serviceAccountTokenCreator",
    "iam.serviceAccountUser",
  ].map((role) =>
    m("G15", `roles/${role} on the project`, (p) => {
      after(p, "google_project_iam_member").role = `roles/${role}`;
    }),
  ),
  m("G15", "a binding on the project", (p) =>
    add(p, "google_project_iam_binding", {
      role: "roles/viewer",
      members: ["user:ada@example.com"],
    }),
  ),
  m("G15", "a policy for the project", (p) =>
    add(p, "google_project_iam_policy", { policy_data: '{"bindings":[]}' }),
  ),
  m("G15", "owner of the folder", (p) =>
    add(p, "google_folder_iam_member", {
      role: "roles/owner",
      member: "user:ada@example.com",
    }),
  ),
  ...[
    "google_service_account_key",
    "google_storage_hmac_key",
    "google_apikeys_key",
  ].map((type) => m("G16", `${type} is created`, (p) => add(p, type, {}))),
  ...[
    null,
    "",
    "123-compute@developer.gserviceaccount.com",
    "my-project@appspot.gserviceaccount.com",
  ].map((account) =>
    m(
      "G17",
      `the service runs as ${account || JSON.stringify(account)}`,
      (p) => (template(p).service_account = account),
    ),
  ),
  m(
    "G17",
    "the job runs as nobody in particular",
    (p) => (task(p).service_account = null),
  ),
];

const trainings = [
  m(
    "G18",
    "a training",
    (p) =>
      (command(p, "run_execution").environment.constant_value.PINNED = "no"),
  ),
  m("G18", "a training after a change", (p) => {
    command(p, "run_execution").environment.constant_value.PINNED = "no";
    replaced(p, "null_resource", "run_execution", {
      triggers: { run_id: "ba9876543210" },
    });
  }),
  m(
    "G18",
    "a start token of the job changes",
    (p) => (after(p, JOB).start_execution_token = "a1"),
  ),
  m(
    "G18",
    "a run token of the job is not known",
    (p) => (unknown(p, JOB).run_execution_token = true),
  ),
];

export const identitiesMutants: readonly Mutant[] = [
  ...identities,
  ...trainings,
];
