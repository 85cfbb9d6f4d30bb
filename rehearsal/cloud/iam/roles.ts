/**
 * Permissions of the predefined roles that matter here; a star stands for any letters. Others may
 * be granted, and allow nothing.
 *
 * @see https://cloud.google.com/iam/docs/roles-permissions
 */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  // Basic roles do not reach into a bucket's objects or a secret's payload: buckets name them apart.
  "roles/owner": ["!storage.objects.*", "*"],
  "roles/editor": [
    "!*.setIamPolicy",
    "!storage.objects.*",
    "!secretmanager.versions.access",
    "!run.routes.invoke",
    "*",
  ],
  "roles/viewer": [
    "!storage.objects.*",
    "!secretmanager.versions.access",
    "*.get",
    "*.list",
    "*.getIamPolicy",
  ],
  "roles/storage.objectViewer": ["storage.objects.get", "storage.objects.list"],
  "roles/storage.objectCreator": ["storage.objects.create"],
  "roles/storage.objectUser": [
    "storage.objects.get",
    "storage.objects.list",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.update",
  ],
  "roles/storage.objectAdmin": ["storage.objects.*"],
  "roles/storage.admin": ["storage.*"],
  "roles/storage.legacyBucketOwner": [
    "storage.buckets.get",
    "storage.buckets.update",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.list",
  ],
  "roles/storage.legacyBucketReader": [
    "storage.buckets.get",
    "storage.objects.list",
  ],
  "roles/storage.legacyObjectOwner": [
    "storage.objects.get",
    "storage.objects.update",
    "storage.objects.getIamPolicy",
    "storage.objects.setIamPolicy",
  ],
  "roles/storage.legacyObjectReader": ["storage.objects.get"],
  "roles/artifactregistry.reader": [
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.*.get",
    "artifactregistry.*.list",
  ],
  "roles/artifactregistry.writer": [
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.*.get",
    "artifactregistry.*.list",
    "artifactregistry.tags.*",
  ],
  "roles/artifactregistry.admin": ["artifactregistry.*"],
  "roles/secretmanager.secretAccessor": ["secretmanager.versions.access"],
  "roles/secretmanager.admin": ["secretmanager.*"],
  "roles/logging.logWriter": ["logging.logEntries.create"],
  "roles/logging.viewer": ["logging.logEntries.list", "logging.logs.list"],
  "roles/monitoring.metricWriter": ["monitoring.timeSeries.create"],
  "roles/iam.serviceAccountUser": ["iam.serviceAccounts.actAs"],
  "roles/iam.serviceAccountTokenCreator": [
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getOpenIdToken",
  ],
  "roles/iam.serviceAccountOpenIdTokenCreator": [
    "iam.serviceAccounts.getOpenIdToken",
  ],
  "roles/iam.serviceAccountKeyAdmin": ["iam.serviceAccountKeys.*"],
  "roles/iam.serviceAccountAdmin": ["iam.serviceAccounts.*"],
  "roles/serviceusage.serviceUsageConsumer": [
    "serviceusage.services.use",
    "serviceusage.*.get",
    "serviceusage.*.list",
  ],
  "roles/serviceusage.serviceUsageAdmin": ["serviceusage.*"],
  "roles/resourcemanager.projectIamAdmin": [
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "resourcemanager.projects.setIamPolicy",
  ],
  "roles/billing.admin": ["billing.*"],
  "roles/billing.costsManager": [
    "billing.budgets.*",
    "billing.accounts.get",
    "billing.accounts.list",
  ],
  "roles/monitoring.notificationChannelEditor": [
    "monitoring.notificationChannels.*",
  ],
  "roles/run.invoker": ["run.routes.invoke", "run.jobs.run"],
  "roles/run.developer": [
    "!*.setIamPolicy",
    "run.jobs.*",
    "run.services.*",
    "run.executions.*",
    "run.tasks.*",
    "run.revisions.*",
    "run.operations.*",
  ],
  "roles/run.admin": ["run.*"],
  "roles/run.serviceAgent": [
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.*.get",
    "artifactregistry.*.list",
  ],
  "roles/cloudbuild.builds.editor": ["cloudbuild.builds.*"],
  "roles/cloudbuild.builds.builder": [
    "logging.logEntries.create",
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.repositories.downloadArtifacts",
    "storage.objects.get",
    "storage.objects.list",
    "storage.objects.create",
  ],
};

/** Whether a role brings a permission, such as `storage.objects.get`. */
export function roleAllows(role: string, permission: string): boolean {
  const patterns = ROLES[role] ?? [];
  const denied = patterns.some(
    (pattern) =>
      pattern.startsWith("!") && matches(pattern.slice(1), permission),
  );
  return !denied && patterns.some((pattern) => matches(pattern, permission));
}

function matches(pattern: string, permission: string): boolean {
  const [before = "", after] = pattern.split("*");
  return after === undefined
    ? pattern === permission
    : permission.length >= before.length + after.length &&
        permission.startsWith(before) &&
        permission.endsWith(after);
}
