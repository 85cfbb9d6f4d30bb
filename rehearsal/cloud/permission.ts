/** Methods whose permission is not called after them. */
const OTHERS: Readonly<Record<string, string>> = {
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
  return OTHERS[methodId] ?? [parts[0], ...parts.slice(-2)].join(".");
}

/** The resource whose policy counts: a secret's for its versions, a job's for its executions. */
export function policyHolder(name: string): string {
  return (
    /^projects\/[^/]+\/(secrets|serviceAccounts|locations\/[^/]+\/(jobs|services|repositories))\/[^/:]+/.exec(
      name,
    )?.[0] ?? name
  );
}
