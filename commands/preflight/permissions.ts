import { BRIEFLY, type Check } from "./finding";

/** What a deployment does, and the smallest predefined role that lets it. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "roles/serviceusage.serviceUsageAdmin": [
    "serviceusage.services.enable",
    "serviceusage.services.list",
  ],
  "roles/iam.serviceAccountAdmin": [
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.delete",
  ],
  // Whoever makes a job, service or build that runs as an account.
  "roles/iam.serviceAccountUser": ["iam.serviceAccounts.actAs"],
  "roles/resourcemanager.projectIamAdmin": [
    "resourcemanager.projects.getIamPolicy",
    "resourcemanager.projects.setIamPolicy",
  ],
  "roles/storage.admin": [
    "storage.buckets.create",
    "storage.buckets.get",
    "storage.buckets.delete",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.objects.create",
    "storage.objects.get",
    "storage.objects.list",
  ],
  "roles/secretmanager.admin": [
    "secretmanager.secrets.create",
    "secretmanager.secrets.delete",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.versions.add",
  ],
  "roles/artifactregistry.admin": [
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.setIamPolicy",
    "artifactregistry.tags.get",
  ],
  "roles/cloudbuild.builds.editor": [
    "cloudbuild.builds.create",
    "cloudbuild.builds.get",
  ],
  "roles/run.admin": [
    "run.jobs.create",
    "run.jobs.delete",
    "run.jobs.run",
    "run.executions.list",
    "run.services.create",
    "run.services.delete",
    "run.services.setIamPolicy",
    "run.operations.get",
  ],
  "roles/logging.viewer": ["logging.logEntries.list"],
};

/**
 * What owners and editors of a project do not hold on it, but on each bucket
 * that they make.
 *
 * @see https://cloud.google.com/storage/docs/access-control/iam#convenience-values
 */
const FROM_BUCKETS = [
  "storage.buckets.get",
  "storage.buckets.getIamPolicy",
  "storage.buckets.setIamPolicy",
  "storage.objects.create",
  "storage.objects.get",
  "storage.objects.list",
];

/** For the addresses that a budget tells. */
const FOR_EMAILS: typeof NEEDED = {
  "roles/monitoring.notificationChannelEditor": [
    "monitoring.notificationChannels.create",
    "monitoring.notificationChannels.get",
    "monitoring.notificationChannels.delete",
  ],
};

/**
 * Whether the caller may do what a deployment does.
 *
 * @see
 * https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions
 */
export const permissions: Check = async ({ settings, google }) => {
  const { projectId, budget } = settings;
  const what = "permissions";
  const emails = budget !== "none" && budget.emails.length > 0;
  const needed = { ...NEEDED, ...(emails ? FOR_EMAILS : {}) };
  const asked = Object.values(needed).flat();
  const { permissions: held = [] } = await google.request<{
    permissions?: string[];
  }>({
    service: "resourcemanager",
    method: "POST",
    path: `projects/${projectId}:testIamPermissions`,
    body: { permissions: asked },
    retry: { ...BRIEFLY, idempotent: true },
  });
  const missing = Object.entries(needed)
    .map(([role, all]) => ({
      role,
      lacking: all.filter((permission) => !held.includes(permission)),
    }))
    .filter(({ lacking }) => lacking.length > 0);
  if (missing.length === 0) {
    return [
      { status: "pass", what, detail: `all ${asked.length} that deploy needs` },
    ];
  }
  return missing.map(({ role, lacking }) => ({
    ...(lacking.every((name) => FROM_BUCKETS.includes(name))
      ? {
          status: "warn",
          detail: `not held on the project: ${lacking.join(", ")}; owners and editors get them on the buckets that they make, but not on one that somebody else made`,
        }
      : { status: "fail", detail: `missing: ${lacking.join(", ")}` }),
    what,
    remedy: `gcloud projects add-iam-policy-binding ${projectId} --member user:YOU --role ${role}`,
  }));
};
