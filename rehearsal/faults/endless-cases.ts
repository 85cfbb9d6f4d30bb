import type { Settings } from "../interruptions/clone";
import type { FaultCase } from "./fault-case";

const JOB = "model-gemma-2b-sql-finetuned_job_BE05E6B1";
const SERVICE = "model-gemma-2b-sql-finetuned_service_8974D568";

const APIS = [
  "artifactregistry_451C969A",
  "cloudbuild_81246701",
  "compute_2915FCDA",
  "iam_CFD2258A",
  "logging_3F9933F0",
  "run_8855F8C0",
  "secretmanager_9EA16F7F",
  "storage_A9A0178F",
].map((name) => `apis_${name}`);

/** The provider gives up after 20 minutes otherwise; the stack lets a service have 35. */
const briefly = (type: string, names: readonly string[]): Settings => ({
  resource: {
    [type]: Object.fromEntries(
      names.map((name) => [
        name,
        { timeouts: { create: "30s", update: "30s" } },
      ]),
    ),
  },
});

/** Operations of the provider's that are never done, though what they are about happens. */
export const ENDLESS_CASES: readonly FaultCase[] = [
  {
    name: "provider: the job's operation never ends",
    faults: ["run.projects.locations.jobs.create=endless"],
    override: briefly("google_cloud_run_v2_job", [JOB]),
    prints: [/waiting for Creating Job: timeout while waiting/],
    ends: "failed",
  },
  {
    name: "provider: the service's operation never ends",
    faults: ["run.projects.locations.services.create=endless"],
    override: briefly("google_cloud_run_v2_service", [SERVICE]),
    prints: [/waiting for Creating Service: timeout while waiting/],
    ends: "failed",
  },
  {
    name: "provider: the repository's operation never ends",
    faults: ["artifactregistry.*.repositories.create=endless"],
    override: briefly("google_artifact_registry_repository", [
      "repository_9F1A3F0B",
    ]),
    prints: [/waiting for Creating Repository: timeout while waiting/],
    ends: "to recover",
    impatient: true,
  },
  {
    name: "provider: the operation of enabling the APIs never ends",
    faults: ["serviceusage.services.batchEnable=endless"],
    override: briefly("google_project_service", APIS),
    prints: [/services:batchEnable timed out after 30s/],
    ends: "failed",
  },
  ...(
    [
      ["jobs", "Job", "google_cloud_run_v2_job", JOB],
      ["services", "Service", "google_cloud_run_v2_service", SERVICE],
    ] as const
  ).map(
    ([what, kind, type, name]): FaultCase => ({
      name: `provider: the operation of updating ${what} never ends`,
      update: true,
      faults: [`run.projects.locations.${what}.patch=endless`],
      override: briefly(type, [name]),
      prints: [
        new RegExp(`waiting for Updating ${kind}: timeout while waiting`),
      ],
      ends: "failed",
    }),
  ),
];
