import { App } from "cdktf";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FinetuneStack } from "../constructs/finetune-stack";
import { readSettings } from "../constructs/read-settings";
import { withoutStackTraces } from "./without-stack-traces";

/** Settings as a person writes them: nested, and most of them left out. */
export type Raw = Record<string, unknown>;

/** One resource of the synthesized JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Resource = Record<string, any>;

/** The synthesized JSON of one stack. */
export interface Synthesized {
  readonly terraform: Resource;
  readonly provider: Resource;
  readonly variable?: Resource;
  readonly resource: Record<string, Record<string, Resource>>;
  readonly output: Record<string, Resource>;
}

/** Sources that never change, so that snapshots move with the stack alone. */
export const SOURCES = {
  trainer: "aaaaaaaaaaaaaaaa",
  vllm: "bbbbbbbbbbbbbbbb",
  recipe: 1,
};

/** How many resources of each type the default stack has: the design's list. */
export const DEFAULT_RESOURCES = {
  google_artifact_registry_repository: 1,
  google_artifact_registry_repository_iam_member: 1,
  google_cloud_run_v2_job: 1,
  google_cloud_run_v2_service: 1,
  google_project_iam_member: 1,
  google_project_service: 8,
  google_secret_manager_secret: 1,
  google_secret_manager_secret_iam_member: 1,
  google_secret_manager_secret_version: 1,
  google_service_account: 3,
  google_storage_bucket: 2,
  google_storage_bucket_iam_member: 5,
  null_resource: 8,
};

/** Settings of one environment with one model, the rest by default. */
export function environment(changes: Raw = {}, model: Raw = {}): Raw {
  return {
    projectId: "my-project",
    region: "us-central1",
    models: { "gemma-2b-sql-finetuned": model },
    ...changes,
  };
}

/**
 * Synthesizes one environment as `cdktf synth` does, with validations and error
 * annotations, and fails when nothing came out.
 */
export function synthesizeText(
  raw: Raw = environment(),
  called = "dev",
): string {
  const outdir = mkdtempSync(join(tmpdir(), "tuneserve-synth-"));
  try {
    withoutStackTraces(() => {
      const app = new App({ outdir });
      for (const [name, settings] of Object.entries(
        readSettings({ environments: { [called]: raw } }, {}),
      )) {
        new FinetuneStack(app, name, settings, SOURCES);
      }
      app.synth();
    });
    const json = readFileSync(
      join(outdir, "stacks", called, "cdk.tf.json"),
      "utf8",
    );
    if (Object.keys(JSON.parse(json).resource ?? {}).length === 0) {
      throw new Error("nothing was synthesized");
    }
    return json;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

// Many tests of a file begin with the same settings.
const known = new Map<string, string>();

/** The same, parsed; settings that were synthesized before are not again. */
export function synthesize(dev: Raw = environment()): Synthesized {
  const key = JSON.stringify(dev);
  const json = known.get(key) ?? synthesizeText(dev);
  known.set(key, json);
  return JSON.parse(json) as Synthesized;
}

/** The resources of one type, in order of their names. */
export function resources(stack: Synthesized, type: string): Resource[] {
  return Object.values(stack.resource[type] ?? {});
}

/** The only resource of a type. */
export function only(stack: Synthesized, type: string): Resource {
  const [first, second] = resources(stack, type);
  if (first === undefined || second !== undefined) {
    throw new Error(
      `expected one ${type}, got ${resources(stack, type).length}`,
    );
  }
  return first;
}

/** The null resource that runs a script; with several, the one with a name. */
export function provisioner(
  stack: Synthesized,
  script: string,
  name = "",
): Resource {
  const found = Object.entries(stack.resource.null_resource ?? {}).find(
    ([id, resource]) =>
      id.includes(name) &&
      resource.provisioner[0]["local-exec"].command === script,
  );
  if (found === undefined) throw new Error(`nothing runs ${script}`);
  return found[1];
}
