import type { Cloud } from "../cloud/cloud";
import type { Json } from "../cloud/state";

/** The state file's resources, as far as they are compared. */
export interface TerraformState {
  readonly resources?: ReadonlyArray<{
    readonly mode: string;
    readonly type: string;
    readonly instances: ReadonlyArray<{ readonly attributes: Json }>;
  }>;
}

/** What may be there. */
export interface Expected {
  /** Buckets that are not the stack's. @default none */
  readonly apart?: readonly string[];

  /** Executions that did not succeed. @default 0 */
  readonly failedExecutions?: number;
}

/**
 * Where a state and the cloud differ, a sentence each: resources that only one of them has, a run
 * that was executed more than once or not at all, an image or a version of a model too many, a build
 * or an execution that goes on.
 */
export function disagreements(
  cloud: Cloud,
  state: TerraformState,
  { apart = [], failedExecutions = 0 }: Expected = {},
): string[] {
  const { accounts, secrets, secretVersions, buckets, jobs, services } =
    cloud.state;
  const { repositories, executions, builds, images, objects, kept } =
    cloud.state;
  const attributes = (type: string, name: string) =>
    (state.resources ?? [])
      .filter((resource) => resource.type === type)
      .flatMap(({ instances }) =>
        instances.map((instance) => String(instance.attributes[name])),
      );
  const problems: string[] = [];
  const compare = (
    what: string,
    there: readonly string[],
    held: readonly string[],
  ) => {
    const orphans = there.filter((name) => !held.includes(name));
    const lost = held.filter((name) => !there.includes(name));
    if (orphans.length > 0) {
      problems.push(`${what} not in the state: ${orphans.join(", ")}`);
    }
    if (lost.length > 0) {
      problems.push(`${what} only in the state: ${lost.join(", ")}`);
    }
  };
  compare(
    "accounts",
    Object.keys(accounts),
    attributes("google_service_account", "email"),
  );
  compare(
    "secrets",
    Object.keys(secrets).map(lastPart),
    attributes("google_secret_manager_secret", "secret_id"),
  );
  compare(
    "token versions",
    Object.values(secretVersions)
      .filter(({ version }) => version["state"] === "ENABLED")
      .map(({ version }) => lastPart(version["name"])),
    attributes("google_secret_manager_secret_version", "version"),
  );
  compare(
    "buckets",
    Object.keys(buckets).filter((name) => !apart.includes(name)),
    attributes("google_storage_bucket", "name"),
  );
  compare(
    "repositories",
    Object.keys(repositories).map(lastPart),
    attributes("google_artifact_registry_repository", "repository_id"),
  );
  compare(
    "jobs",
    Object.keys(jobs).map(lastPart),
    attributes("google_cloud_run_v2_job", "name"),
  );
  compare(
    "services",
    Object.keys(services).map(lastPart),
    attributes("google_cloud_run_v2_service", "name"),
  );
  for (const [what, type] of [
    ["budgets", "google_billing_budget"],
    ["notificationChannels", "google_monitoring_notification_channel"],
  ] as const) {
    compare(
      what,
      Object.keys(kept)
        .filter((name) => name.includes(`/${what}/`))
        .map(lastPart),
      attributes(type, "name").map(lastPart),
    );
  }
  const all = Object.values(executions);
  const succeeded = all.filter((each) => each["succeededCount"]);
  if (succeeded.length !== 1 || all.length !== 1 + failedExecutions) {
    const runs = new Set(all.flatMap(({ labels }) => labels?.["run-id"] ?? []));
    problems.push(
      `${all.length} executions, of run ${[...runs].join(", ")}, of which ${succeeded.length} succeeded`,
    );
  }
  const working = [
    ...all.filter((each) => !each["completionTime"]),
    ...Object.values(builds).filter((each) => !each["finishTime"]),
  ];
  if (working.length > 0) {
    problems.push(`still at work: ${working.map(({ name }) => name).join()}`);
  }
  // Beside what the provisioner pushes to learn whether the builder may write.
  const names = images
    .map(({ name }) => name)
    .filter((name) => lastPart(name) !== "write-check");
  if (names.length !== 2 || new Set(names).size !== 2) {
    problems.push(`images: ${names.join(", ")}`);
  }
  const versions = Object.values(objects)
    .flat()
    .filter(
      ({ name, timeDeleted }) => name.endsWith("/_SUCCESS") && !timeDeleted,
    );
  if (versions.length !== 1) {
    problems.push(`${versions.length} trained versions`);
  }
  return problems;
}

function lastPart(name: string): string {
  return name.split("/").at(-1) ?? name;
}
