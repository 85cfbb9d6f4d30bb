import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LocalCloud } from "./local-cloud";

// The real Terraform and the real providers; a machine without them skips this and says so.
const ROOT = resolve(__dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "tuneserve-terraform-cloud-"));
const stack = join(folder, "cdktf.out/stacks/prod");
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
/**
 * By default but for the project, the wait for grants (they are there at once) and whom the budget tells.
 *
 * @param protection - of the service and the secret; on by default in production
 */
function synthesized(amount: number, protection?: boolean) {
  const deletionProtection =
    protection === undefined ? {} : { deletionProtection: protection };
  return spawnSync(process.execPath, ["-r", "./swc-register.cjs", "main.ts"], {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      CDKTF_OUTDIR: join(folder, "cdktf.out"),
      CDKTF_CONTEXT_JSON: JSON.stringify({
        environments: {
          prod: {
            projectId: "local-project",
            region: "us-central1",
            grantsSeconds: 0,
            budget: { amount, emails: ["ops@example.com"] },
            token: deletionProtection,
            models: {
              "gemma-2b-sql-finetuned": {
                base: { id: "google/gemma-2b", revision: "main" },
                dataset: { id: "b-mc2/sql-create-context", revision: "main" },
                serving: deletionProtection,
              },
            },
          },
        },
      }),
    },
  });
}
const synthesis = synthesized(1000);
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
  "the default stack in production with the real Terraform, containers played by stubs",
  () => {
    let cloud: LocalCloud;
    beforeAll(async () => {
      cloud = await LocalCloud.start({ containers: "stub", enableDelay: 1 });
    });
    afterAll(() => cloud.close());

    /** Not spawnSync: the cloud answers from this process. */
    const run = (command: string, args: readonly string[]) =>
      new Promise<{ code: number | null; output: string }>((done) => {
        const child = spawn(command, args, {
          cwd: folder,
          env: { ...env, ...cloud.env, TF_VAR_hf_token: "hf_marker" },
        });
        let output = "";
        const take = (chunk: Buffer) => (output += chunk.toString());
        child.stdout.on("data", take);
        child.stderr.on("data", take);
        child.on("close", (code) => done({ code, output }));
      });
    const terraform = (...args: string[]) =>
      run("terraform", [`-chdir=${stack}`, ...args]);

    test("is synthesized", () => {
      expect(synthesis.stderr).toBe("");
      expect(synthesis.status).toBe(0);
    });

    test("passes the gate, is applied, changed in what was changed alone, and destroyed but for its models", async () => {
      await terraform("plan", "-no-color", "-out=plan");
      const { output: plan } = await terraform("show", "-json", "plan");
      writeFileSync(join(folder, "plan.json"), plan);
      const gate = await run(process.execPath, [
        ...["-r", "./swc-register.cjs"],
        ...["commands/gate.ts", join(folder, "plan.json")],
      ]);
      expect(gate.output).toContain("passed: ");
      expect(gate.code).toBe(0);

      const apply = await terraform("apply", "-no-color", "plan");
      expect(apply.output).toContain("Apply complete!");
      expect(apply.output).toContain("STUB:");

      // Nothing but these: a second plan of the same would be empty.
      expect(synthesized(1500, false).status).toBe(0);
      const change = await terraform("apply", "-no-color", "-auto-approve");
      expect(change.output.match(/# .* (will|must) be .*/g)).toEqual([
        expect.stringMatching(/google_billing_budget.* updated in-place/),
        expect.stringMatching(/v2_service.* updated in-place/),
        expect.stringMatching(/manager_secret.* updated in-place/),
        // A service that was changed is looked at again.
        expect.stringMatching(/null_resource.*check_parity.* replaced/),
        expect.stringMatching(/null_resource.*confirmation.* replaced/),
      ]);
      const again = await terraform("plan", "-no-color", "-detailed-exitcode");
      expect(again.output).toContain("No changes.");
      expect(again.code).toBe(0);

      const { state } = cloud.server.cloud;
      expect(Object.keys(state.executions)).toHaveLength(1);
      const [budget] = Object.values(state.kept).filter(({ name }) =>
        name.startsWith("billingAccounts/"),
      );
      expect(budget).toMatchObject({
        amount: { specifiedAmount: { units: "1500", currencyCode: "USD" } },
        notificationsRule: {
          monitoringNotificationChannels: [
            expect.stringContaining("/notificationChannels/"),
          ],
        },
      });
      const file = join(folder, "terraform.prod.tfstate");
      expect(readFileSync(file, "utf8")).not.toContain("hf_marker");

      const destroy = await terraform("destroy", "-no-color", "-auto-approve");
      expect(destroy.output).toContain("without `force_destroy`");
      expect({
        accounts: state.accounts,
        secrets: state.secrets,
        repositories: state.repositories,
        images: state.images,
        jobs: state.jobs,
        services: state.services,
        kept: state.kept,
        buckets: Object.keys(state.buckets),
      }).toEqual({
        accounts: {},
        secrets: {},
        repositories: {},
        images: [],
        jobs: {},
        services: {},
        kept: {},
        buckets: ["local-project-codelab-finetuning-jobs"],
      });
    }, 600_000);
  },
);
