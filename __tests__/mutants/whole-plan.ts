import { changeOf, command, deleted } from "../plan-edits";
import { SERVICE, m, models, type Mutant } from "./mutant";

const faults: Mutant[] = [
  m("G00", "the plan errored", (p) => (p.errored = true)),
  m("G00", "the plan does not say whether it errored", (p) => delete p.errored),
  m("G00", "the plan is incomplete", (p) => (p.complete = false)),
  m("G00", "the plan does not say whether it is complete", (p) => {
    delete p.complete;
  }),
  m("G00", "an action is invoked", (p) => {
    p.action_invocations = [
      { address: "action.local_command.x", type: "local_command", name: "x" },
    ];
  }),
  m("G00", "changes are deferred", (p) => (p.deferred_changes = [{}])),
  m("G00", "a check fails", (p) => (p.checks = [{ status: "fail" }])),
  m(
    "G00",
    "a check ends in an error",
    (p) => (p.checks = [{ status: "error" }]),
  ),
  m("G00", "a created resource is not in the configuration", (p) => {
    p.configuration.root_module.resources.splice(0, 1);
  }),
  m("G00", "a grant whose values are all unknown", (p) => {
    changeOf(p, "google_project_iam_member").change.after_unknown = true;
  }),
  m("G00", "a grant without values", (p) => {
    changeOf(p, "google_project_iam_member").change.after = null;
    changeOf(p, "google_project_iam_member").change.after_unknown = {};
  }),
  m("G00", "the command of a provisioner is computed", (p) => {
    command(p, "trainer-image").command = {};
  }),
];

const rest = [
  ...["owner", "env", "cost-center"].map((label) =>
    m("G20", `the bucket's label ${label} is missing`, (p) => {
      // What the provider adds to all is in the configuration too.
      delete p.configuration.provider_config.google.expressions.default_labels
        .constant_value[label];
      for (const key of ["effective_labels", "terraform_labels"])
        delete models(p)[key][label];
    }),
  ),
  m("G22", "an API is switched off", (p) => {
    deleted(p, "google_project_service", "apis_run_");
    changeOf(
      p,
      "google_project_service",
      "apis_run_",
    ).change.before.disable_on_destroy = true;
  }),
  m("G22", "an API and what depends on it are switched off", (p) => {
    deleted(p, "google_project_service", "apis_run_");
    changeOf(
      p,
      "google_project_service",
      "apis_run_",
    ).change.before.disable_dependent_services = true;
  }),
  m("G24", "another Terraform", (p) => (p.terraform_version = "1.5.7")),
  m("G24", "no Terraform version", (p) => delete p.terraform_version),
  m("G24", "another google provider", (p) => {
    p.configuration.provider_config.google.version_constraint = "8.0.0";
  }),
  m("G24", "a provider of the same name from somebody else", (p) => {
    p.configuration.provider_config.google.full_name =
      "registry.terraform.io/somebody/google";
  }),
  m("G24", "a provider that nobody tried", (p) => {
    p.configuration.provider_config.external = { name: "external" };
  }),
  m("G24", "something was changed by hand", (p) => {
    const entry = structuredClone(changeOf(p, SERVICE));
    entry.change = {
      ...entry.change,
      actions: ["update"],
      before: { ...entry.change.after, ingress: "INGRESS_TRAFFIC_ALL" },
    };
    p.resource_drift = [entry];
  }),
  m("G24", "something was deleted by hand", (p) => {
    const entry = structuredClone(changeOf(p, SERVICE));
    entry.change = {
      actions: ["delete"],
      before: entry.change.after,
      after: null,
    };
    p.resource_drift = [entry];
  }),
];

export const wholePlanMutants: readonly Mutant[] = [...faults, ...rest];
