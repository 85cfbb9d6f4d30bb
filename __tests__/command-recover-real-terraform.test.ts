import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

// The real Terraform and the real provider; a machine without them skips this and says so.
const STATE_BUCKET = "local-project-state";
const LABELS = { env: "dev", "goog-terraform-provisioned": "true" };

/** Of each type that the API keeps under a given name, one. */
const STACK = {
  terraform: {
    backend: { gcs: { bucket: STATE_BUCKET, prefix: "t/dev" } },
    required_providers: { google: { source: "google", version: "6.50.0" } },
  },
  provider: {
    google: [
      {
        project: DEFAULTS.project,
        region: DEFAULTS.region,
        default_labels: { env: "dev" },
      },
    ],
  },
  resource: {
    google_service_account: {
      train: { account_id: "train-sa", display_name: "Trains" },
    },
    google_storage_bucket: {
      source: {
        name: "local-project-source",
        location: "us-central1",
        uniform_bucket_level_access: true,
      },
    },
    google_secret_manager_secret: {
      token: { secret_id: "HF_TOKEN", replication: { auto: {} } },
    },
    google_artifact_registry_repository: {
      images: {
        repository_id: "images",
        location: DEFAULTS.region,
        format: "DOCKER",
      },
    },
    google_cloud_run_v2_job: {
      job: {
        name: "job",
        location: DEFAULTS.region,
        deletion_protection: false,
        template: {
          template: {
            service_account: "${google_service_account.train.email}",
            containers: [
              {
                image: `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images/i:1`,
              },
            ],
          },
        },
      },
    },
  },
};

const root = realpathSync(
  mkdtempSync(path.join(tmpdir(), "tuneserve-recover-terraform-")),
);
const stack = path.join(root, "cdktf.out/stacks/dev");
mkdirSync(stack, { recursive: true });
writeFileSync(path.join(root, "main.ts"), "// everything is there\n");
writeFileSync(
  path.join(root, "cdktf.out/manifest.json"),
  JSON.stringify({
    stacks: { dev: { name: "dev", workingDirectory: "stacks/dev" } },
  }),
);
writeFileSync(path.join(stack, "cdk.tf.json"), JSON.stringify(STACK));
const available =
  spawnSync("terraform", [`-chdir=${stack}`, "init", "-backend=false"], {
    env: { ...process.env, CHECKPOINT_DISABLE: "1" },
  }).status === 0;
if (!available) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write("skipped: terraform cannot find the providers here\n");
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

(available ? describe : describe.skip)("with the real Terraform", () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
  });
  afterAll(() => cloud.close());

  /** Not in this process, from which the cloud answers. */
  const run = (...command: string[]) =>
    new Promise<{ code: number | null; output: string }>((done) => {
      const [program = "", ...args] = command;
      const child = spawn(program, args, {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...cloud.env, CHECKPOINT_DISABLE: "1" },
      });
      let output = "";
      const take = (chunk: Buffer) => (output += chunk.toString());
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      child.on("close", (code) => done({ code, output }));
    });
  const command = (name: string, ...args: string[]) =>
    run(
      process.execPath,
      "-r",
      require.resolve("../swc-register.cjs"),
      path.join(__dirname, `../commands/${name}.ts`),
      ...args,
    );

  test("a stale lock goes, and what exists is imported by the next deploy without a second one", async () => {
    const project = `projects/${DEFAULTS.project}`;
    await cloud.bucket(STATE_BUCKET);
    const note = { ID: "x", Operation: "OperationTypeApply", Who: "a@b" };
    const lock = (): Promise<{ generation: string }> =>
      cloud.upload(STATE_BUCKET, "t/dev/default.tflock", JSON.stringify(note));
    await cloud.post("iam", `${project}/serviceAccounts`, {
      accountId: "train-sa",
      serviceAccount: { displayName: "Trains" },
    });
    await cloud.bucket("local-project-source", {
      labels: LABELS,
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
    });
    await cloud.post(
      "secretmanager",
      `${project}/secrets`,
      { replication: { automatic: {} }, labels: LABELS },
      { secretId: "HF_TOKEN" },
    );
    await cloud.post(
      "artifactregistry",
      `${cloud.parent}/repositories`,
      { format: "DOCKER", labels: LABELS },
      { repositoryId: "images" },
    );
    cloud.image(
      `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images/i`,
    );
    await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      {
        labels: LABELS,
        template: {
          template: {
            serviceAccount: cloud.email("train-sa"),
            containers: [
              {
                image:
                  STACK.resource.google_cloud_run_v2_job.job.template.template
                    .containers[0]!.image,
              },
            ],
          },
        },
      },
      { jobId: "job" },
    );

    // Killed before there was a state at all, where Terraform itself gets past no lock.
    const first = (await lock()).generation;
    const refusal = await command("recover", "--yes");
    expect(refusal.output).toContain(`--yes --lock ${first}`);
    const removed = await command("recover", "--yes", "--lock", first);
    expect(removed.output).toContain("The lock is removed.");
    expect(removed.output).toContain("Done. Go on with npm run deploy.");
    expect(removed.code).toBe(0);

    const { generation } = await lock();
    await cloud.upload(
      STATE_BUCKET,
      "t/dev/default.tfstate",
      JSON.stringify({ version: 4, serial: 1, lineage: "l", resources: [] }),
    );

    const refused = await command("recover", "--yes");
    expect(refused.output).toContain(`--yes --lock ${generation}`);
    const recovered = await command("recover", "--yes", "--lock", generation);
    expect(recovered.output).toContain("The lock is removed.");
    expect(recovered.code).toBe(0);

    const deployed = await command("deploy", "--auto-approve");
    expect(deployed.output).toMatch(
      /Apply complete! Resources: 5 imported, 0 added, \d changed, 0 destroyed/,
    );
    expect(existsSync(path.join(stack, "imports.tf.json"))).toBe(false);
    const plan = await run(
      "terraform",
      `-chdir=${stack}`,
      "plan",
      "-detailed-exitcode",
      "-no-color",
    );
    expect(plan.output).toContain("No changes.");
    expect((await command("recover")).output).toContain(
      "There is nothing to recover.",
    );
  }, 240_000);
});
