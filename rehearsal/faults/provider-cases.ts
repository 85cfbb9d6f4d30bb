import type { FaultCase } from "./fault-case";

const JOB = "run.projects.locations.jobs.create";
const SERVICE = "run.projects.locations.services.create";
const ENABLE = "serviceusage.services.batchEnable";

/** Made side by side, as soon as the APIs are on. */
const FIRST = [
  "iam.projects.serviceAccounts.create",
  "storage.buckets.insert",
  "secretmanager.projects.secrets.create",
  "artifactregistry.projects.locations.repositories.create",
];

/** Made side by side after those. */
const SECOND = [
  "secretmanager.projects.secrets.addVersion",
  "secretmanager.projects.secrets.setIamPolicy",
  "storage.buckets.setIamPolicy",
  "cloudresourcemanager.projects.setIamPolicy",
  "artifactregistry.projects.locations.repositories.setIamPolicy",
];

const OPERATIONS = [
  "serviceusage.operations.get",
  "artifactregistry.projects.locations.operations.get",
  "run.projects.locations.operations.get",
];

const at = (methods: readonly string[], kind: string) =>
  methods.map((method) => `${method}=${kind}`);

/** What goes wrong with calls of Terraform's provider. */
export const PROVIDER_CASES: readonly FaultCase[] = [
  // The longest first: others run meanwhile.
  {
    name: "provider: ten minutes pass at accounts, buckets, secrets, repositories",
    faults: at(FIRST, "stall"),
    prints: [/Client\.Timeout exceeded/],
    ends: "to recover",
  },
  {
    name: "provider: 429 and 503 at all that it makes",
    faults: ["429", "503"].flatMap((kind) =>
      at([ENABLE, ...FIRST, ...SECOND, ...OPERATIONS, JOB, SERVICE], kind),
    ),
    ends: "well",
  },
  {
    name: "provider: reset at all that it makes",
    faults: at(
      [ENABLE, ...FIRST, ...SECOND, ...OPERATIONS, JOB, SERVICE],
      "reset",
    ),
    ends: "well",
  },
  {
    name: "provider: lost answers to accounts, buckets, secrets, repositories",
    faults: at(FIRST, "lost"),
    prints: [
      /creating service account: .*EOF/,
      /creating Secret: .*EOF/,
      /creating Repository: .*EOF/,
    ],
    ends: "to recover",
    impatient: true,
  },
  {
    name: "provider: lost answers to APIs, grants and the token",
    faults: at([ENABLE, ...SECOND], "lost"),
    prints: [/creating SecretVersion: .*EOF/, /setting IAM policy.*EOF/],
    ends: "to recover",
  },
  {
    name: "provider: lost answer to the job",
    faults: at([JOB], "lost"),
    prints: [/creating Job: .*EOF/],
    ends: "to recover",
    impatient: true,
  },
  {
    name: "provider: lost answer to the service",
    faults: at([SERVICE], "lost"),
    prints: [/creating Service: .*EOF/],
    ends: "to recover",
    impatient: true,
  },
  {
    name: "provider: 401 at accounts, buckets, secrets, repositories",
    faults: at(FIRST, "expired"),
    prints: [/Error 401/],
    ends: "failed",
  },
  {
    name: "provider: the token expires among accounts and buckets",
    faults: [],
    once: {
      printed: /google_service_account\S+: Still creating/,
      act: (cloud) => cloud.expireToken(),
    },
    prints: [
      /Error 401/,
      /export GOOGLE_OAUTH_ACCESS_TOKEN=\$\(gcloud auth print-access-token\)/,
    ],
    ends: "to recover",
  },
  ...["jobs", "services"].map(
    (what): FaultCase => ({
      name: `provider: an update of ${what} meets 429, 503, reset, and a lost answer`,
      update: true,
      faults: ["429", "503", "reset", "lost"].map(
        (kind) => `run.projects.locations.${what}.patch=${kind}`,
      ),
      prints: [/Error updating (Job|Service).*EOF/],
      ends: "failed",
    }),
  ),
];
