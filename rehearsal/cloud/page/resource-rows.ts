import { shortName } from "../identifiers";
import type { CloudState, Json } from "../state";
import type { PageRow } from "./page-row";

/** All that is there, by kind. */
export function resourceRows(state: CloudState): PageRow[] {
  const { apis, accounts, secrets, repositories, images, jobs, services } =
    state;
  return [
    ...named("service", services, (each) => each["uri"] ?? ""),
    ...named(
      "job",
      jobs,
      (each) => `${each["executionCount"] ?? 0} executions`,
    ),
    ...named("bucket", state.buckets, ({ name }) => bucketDetail(state, name)),
    ...named("secret", secrets, ({ name }) => {
      const versions = Object.keys(state.secretVersions).filter((each) =>
        each.startsWith(`${name}/`),
      );
      return `${versions.length} versions`;
    }),
    ...named("repository", repositories, (each) => each["format"] ?? ""),
    ...images.map(({ name, tags, digest }) => ({
      kind: "image",
      name: shortName(name),
      state: tags.join(" "),
      detail: digest,
    })),
    ...Object.entries(accounts).map(([name, each]) => ({
      kind: "service account",
      name: each["email"] ?? shortName(name),
      state: "",
      detail: each["displayName"] ?? "",
    })),
    ...Object.values(state.kept).map(({ name, displayName = "" }) => ({
      kind: String(name).split("/").at(-2)!.replace(/s$/, ""),
      name: shortName(name),
      state: "",
      detail: displayName,
    })),
    ...Object.keys(apis).map((name) => ({
      ...{ kind: "API", name, state: "enabled", detail: "" },
    })),
  ];
}

function named(
  kind: string,
  all: Readonly<Record<string, Json>>,
  detail: (each: Json) => string,
): PageRow[] {
  return Object.entries(all).map(([name, each]) => {
    const state: string = each["terminalCondition"]?.state ?? "";
    return {
      kind,
      name: shortName(name),
      state: state.replace(/^CONDITION_/, "").toLowerCase(),
      detail: detail({ ...each, name }),
      ...(state === "CONDITION_FAILED" ? { mood: "bad" as const } : {}),
      ...(state === "CONDITION_RECONCILING" ? { mood: "busy" as const } : {}),
    };
  });
}

function bucketDetail(state: CloudState, bucket: string): string {
  const live = Object.values(state.objects)
    .flat()
    .filter((each) => each.bucket === bucket && !each.timeDeleted);
  const bytes = live.reduce((sum, { size }) => sum + Number(size), 0);
  return `${live.length} objects, ${(bytes / 1e6).toFixed(1)} MB`;
}
