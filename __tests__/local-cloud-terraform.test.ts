import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LocalCloud } from "./local-cloud";

// The real Terraform and the real providers; a machine without them skips this and says so.
const ROOT = resolve(__dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "tuneserve-terraform-cloud-"));
const stack = join(folder, "cdktf.out/stacks/dev");
const env = {
  ...process.env,
  CHECKPOINT_DISABLE: "1",
  TF_IN_AUTOMATION: "1",
};

mkdirSync(stack, { recursive: true });
// A copy: provisioners start three folders above the stack's, and refuse sources that changed.
const LEFT_OUT =
  /\/(node_modules|cdktf\.out|__pycache__|\.git|\.rehearsal|\.\w+_cache)(\/|$)/;
cpSync(ROOT, folder, {
  recursive: true,
  filter: (source) => !LEFT_OUT.test(source.slice(ROOT.length)),
});
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
const synthesis = spawnSync(
  process.execPath,
  ["-r", "@swc-node/register", "main.ts"],
  {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      CDKTF_OUTDIR: join(folder, "cdktf.out"),
      // By default but for the project, and the wait for grants: they are there at once.
      CDKTF_CONTEXT_JSON: JSON.stringify({
        environments: {
          dev: {
            projectId: "local-project",
            region: "us-central1",
            grantsSeconds: 0,
            models: {
              "gemma-2b-sql-finetuned": {
                base: { id: "google/gemma-2b", revision: "main" },
                dataset: { id: "b-mc2/sql-create-context", revision: "main" },
              },
            },
          },
        },
      }),
    },
  },
);
const init = spawnSync("terraform", [`-chdir=${stack}`, "init", "-no-color"], {
  env,
  encoding: "utf8",
});
const available = init.status === 0;
if (!available) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write(
    `skipped: terraform init did not find google 6.50.0 and null 3.2.4\n`,
  );
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

(available ? describe : describe.skip)(
  "the default stack with the real Terraform, containers played by stubs",
  () => {
    let cloud: LocalCloud;
    beforeAll(async () => {
      cloud = await LocalCloud.start({ containers: "stub", enableDelay: 1 });
    });
    afterAll(() => cloud.close());

    /** Not spawnSync: the cloud answers from this process. */
    const terraform = (...args: string[]) =>
      new Promise<{ code: number | null; output: string }>((done) => {
        const child = spawn(
          "terraform",
          [`-chdir=${stack}`, ...args, "-no-color"],
          { env: { ...env, ...cloud.env, TF_VAR_hf_token: "hf_marker" } },
        );
        let output = "";
        const take = (chunk: Buffer) => (output += chunk.toString());
        child.stdout.on("data", take);
        child.stderr.on("data", take);
        child.on("close", (code) => done({ code, output }));
      });

    test("is synthesized", () => {
      expect(synthesis.stderr).toBe("");
      expect(synthesis.status).toBe(0);
    });

    test("is applied, planned again without changes, and destroyed but for its models", async () => {
      const apply = await terraform("apply", "-auto-approve");
      expect(apply.output).toContain("Apply complete!");
      expect(apply.output).toContain("STUB:");

      const plan = await terraform("plan", "-detailed-exitcode");
      expect(plan.output).toContain("No changes.");
      expect(plan.code).toBe(0);

      const { state } = cloud.server.cloud;
      expect(Object.keys(state.executions)).toHaveLength(1);
      const files = ["terraform.dev.tfstate"].map((name) => join(folder, name));
      for (const file of files.filter((each) => existsSync(each))) {
        expect(readFileSync(file, "utf8")).not.toContain("hf_marker");
      }

      const destroy = await terraform("destroy", "-auto-approve");
      expect(destroy.output).toContain("without `force_destroy`");
      expect({
        accounts: state.accounts,
        secrets: state.secrets,
        repositories: state.repositories,
        images: state.images,
        jobs: state.jobs,
        services: state.services,
        buckets: Object.keys(state.buckets),
      }).toEqual({
        accounts: {},
        secrets: {},
        repositories: {},
        images: [],
        jobs: {},
        services: {},
        buckets: ["local-project-codelab-finetuning-jobs"],
      });
    }, 600_000);
  },
);
