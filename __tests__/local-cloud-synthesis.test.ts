import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LocalCloud } from "./local-cloud";

const NAME = "production";
const SETTINGS = {
  region: "us-central1",
  models: {
    "gemma-2b-sql-finetuned": {
      base: { id: "google/gemma-2b", revision: "main" },
      dataset: { id: "b-mc2/sql-create-context", revision: "main" },
    },
  },
};

/** The stack as main.ts writes it, in an environment. */
function synthesized(environment: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "tuneserve-synthesis-"));
  const { status, stderr } = spawnSync(
    process.execPath,
    ["-r", "./swc-register.cjs", "main.ts"],
    {
      cwd: resolve(__dirname, ".."),
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        PROJECT_ID: "local-project",
        CDKTF_OUTDIR: folder,
        CDKTF_CONTEXT_JSON: JSON.stringify({
          environments: { [NAME]: SETTINGS },
        }),
        ...environment,
      },
    },
  );
  expect([status, stderr]).toEqual([0, ""]);
  const json = readFileSync(
    join(folder, "stacks", NAME, "cdk.tf.json"),
    "utf8",
  );
  rmSync(folder, { recursive: true });
  return json;
}

test("a local cloud's environment changes no byte of the synthesized stack: it steers the provider only", async () => {
  const cloud = await LocalCloud.start({ containers: "stub" });
  const { env } = cloud;
  await cloud.close();
  const local = synthesized(env);

  expect(local).toBe(synthesized({}));
  expect(local).not.toContain("127.0.0.1");
  for (const [name, value] of Object.entries(env)) {
    // The project and the region are settings of production as well.
    if (!["PROJECT_ID", "REGION", "CLOUDSDK_CORE_PROJECT"].includes(name)) {
      expect(local).not.toContain(value);
    }
  }
}, 60_000);
