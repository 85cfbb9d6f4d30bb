import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { SERVICES } from "../rehearsal/cloud/services";
import { runCase } from "../rehearsal/faults/run-case";
import { Clone } from "../rehearsal/interruptions/clone";

// The real Terraform and the real providers; a machine without them skips this and says so.
const folder = mkdtempSync(join(tmpdir(), "tuneserve-faults-deploy-"));
const probe = join(folder, "probe");
mkdirSync(probe);
writeFileSync(
  join(probe, "main.tf.json"),
  JSON.stringify({
    terraform: {
      required_providers: {
        google: { source: "google", version: "6.50.0" },
        null: { source: "null", version: "3.2.4" },
      },
    },
  }),
);
const init = spawnSync("terraform", [`-chdir=${probe}`, "init", "-no-color"]);
const available = init.status === 0;
if (!available) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write(
    "skipped: terraform init did not find google 6.50.0 and null 3.2.4\n",
  );
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REPOSITORY = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/ready`;
const IMAGES = ["trainer", "server"];

(available ? test : test.skip)(
  "a deploy that meets faults of both kinds says what to do, and the next one ends with one version",
  async () => {
    // Ready images and no token, for the sake of the time.
    const [trainer, server] = IMAGES.map((name) => `${REPOSITORY}/${name}:1`);

    const { problems } = await runCase(
      {
        name: "both kinds",
        model: {
          training: { image: trainer },
          serving: { image: server },
        },
        environment: { token: { source: "none" } },
        prepare: ({ cloud: { state } }) => {
          for (const { name } of SERVICES) {
            state.apis[`${name}.googleapis.com`] = 0;
          }
          for (const name of IMAGES) {
            state.images.push({
              name: `${REPOSITORY}/${name}`,
              digest: "sha256:0",
              tags: ["1"],
              uploadTime: "2026-01-01T00:00:00Z",
              sizeBytes: 1,
              folder: "/nowhere",
            });
          }
        },
        faults: [
          "iam.*.serviceAccounts.create=429",
          "storage.buckets.insert=503",
          "run.*.jobs.create=reset",
          "run.*.jobs.run=lost",
          "run.*.executions.list=503",
          "training=exit-1*4",
        ],
        prints: [
          /no clear answer to the start .*looking whether it started/,
          /exit code 1\. What to do: the lines above say why/,
        ],
        ends: "failed",
        failedExecutions: 1,
      },
      new Clone(join(folder, "clone")),
      join(folder, "case"),
    );

    expect(problems).toEqual([]);
  },
  300_000,
);
