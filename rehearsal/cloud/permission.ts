/** Methods whose permission is not called after them; none at all where it is empty. */
const OTHERS: Readonly<Record<string, string>> = {
  "billingbudgets.billingAccounts.budgets.create": "billing.budgets.create",
  "billingbudgets.billingAccounts.budgets.delete": "billing.budgets.delete",
  "billingbudgets.billingAccounts.budgets.get": "billing.budgets.get",
  "billingbudgets.billingAccounts.budgets.list": "billing.budgets.list",
  "billingbudgets.billingAccounts.budgets.patch": "billing.budgets.update",
  "cloudbilling.billingAccounts.get": "billing.accounts.get",
  "cloudbilling.billingAccounts.getIamPolicy": "billing.accounts.getIamPolicy",
  // Whoever may see none is given an empty list.
  "cloudbilling.billingAccounts.list": "",
  "cloudbilling.billingAccounts.projects.list":
    "billing.resourceAssociations.list",
  "cloudbilling.billingAccounts.setIamPolicy": "billing.accounts.setIamPolicy",
  "cloudbilling.projects.getBillingInfo": "resourcemanager.projects.get",
  "cloudresourcemanager.projects.get": "resourcemanager.projects.get",
  "cloudresourcemanager.projects.getEffectiveOrgPolicy": "orgpolicy.policy.get",
  "cloudresourcemanager.projects.getIamPolicy":
    "resourcemanager.projects.getIamPolicy",
  "cloudresourcemanager.projects.setIamPolicy":
    "resourcemanager.projects.setIamPolicy",
  "iam.projects.serviceAccounts.keys.create": "iam.serviceAccountKeys.create",
  "iam.projects.serviceAccounts.keys.delete": "iam.serviceAccountKeys.delete",
  "iam.projects.serviceAccounts.keys.disable": "iam.serviceAccountKeys.disable",
  "iam.projects.serviceAccounts.keys.enable": "iam.serviceAccountKeys.enable",
  "iam.projects.serviceAccounts.keys.get": "iam.serviceAccountKeys.get",
  "iam.projects.serviceAccounts.keys.list": "iam.serviceAccountKeys.list",
  "iam.projects.serviceAccounts.patch": "iam.serviceAccounts.update",
  "secretmanager.projects.secrets.addVersion": "secretmanager.versions.add",
  "secretmanager.projects.secrets.patch": "secretmanager.secrets.update",
  "artifactregistry.projects.locations.repositories.patch":
    "artifactregistry.repositories.update",
  "run.projects.locations.jobs.patch": "run.jobs.update",
  "run.projects.locations.services.patch": "run.services.update",
  "cloudbuild.projects.locations.builds.cancel": "cloudbuild.builds.update",
  "serviceusage.services.batchEnable": "serviceusage.services.enable",
  "serviceusage.services.consumerQuotaMetrics.get": "serviceusage.quotas.get",
  "serviceusage.services.consumerQuotaMetrics.list": "serviceusage.quotas.get",
  "logging.entries.list": "logging.logEntries.list",
  "logging.entries.write": "logging.logEntries.create",
  "iamcredentials.projects.serviceAccounts.generateAccessToken":
    "iam.serviceAccounts.getAccessToken",
  "iamcredentials.projects.serviceAccounts.generateIdToken":
    "iam.serviceAccounts.getOpenIdToken",
};

/**
 * The permission that a method takes. Most are called after it: `run.projects.locations.jobs.run`
 * takes `run.jobs.run`.
 *
 * @see https://cloud.google.com/iam/docs/permissions-reference
 */
export function permissionOf(methodId: string): string {
  const parts = methodId.split(".");
  // Anybody may ask what they may do.
  if (parts.at(-1) === "testIamPermissions") return "";
  return OTHERS[methodId] ?? [parts[0], ...parts.slice(-2)].join(".");
}

/** The resource whose policy counts: a secret's for its versions, a job's for its executions. */
export function policyHolder(name: string): string {
  const account = /^billingAccounts\/[^/:]+/.exec(name)?.[0];
  if (account !== undefined) return account;
  return (
    /^projects\/[^/]+\/(secrets|serviceAccounts|locations\/[^/]+\/(jobs|services|repositories))\/[^/:]+/.exec(
      name,
    )?.[0] ?? name
  );
}
