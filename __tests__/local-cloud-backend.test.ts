import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalCloud } from "./local-cloud";

// Terraform alone: its GCS backend and terraform_data are inside of it.
const available = spawnSync("terraform", ["version"]).status === 0;
if (!available) {
  process.stderr.write("skipped: there is no terraform on the PATH\n");
}

const STATE = "dev/default.tfstate";
const LOCK = "dev/default.tflock";

(available ? describe : describe.skip)(
  "Terraform's GCS backend on a local cloud",
  () => {
    let cloud: LocalCloud;
    let folder: string;
    beforeAll(async () => {
      cloud = await LocalCloud.start();
      await cloud.bucket("states", { versioning: { enabled: true } });
      folder = mkdtempSync(join(tmpdir(), "tuneserve-backend-"));
      write(0);
    });
    afterAll(async () => {
      await cloud.close();
      rmSync(folder, { recursive: true });
    });

    /** A stack that is replaced, and takes a while for it. */
    function write(seconds: number): void {
      writeFileSync(
        join(folder, "main.tf.json"),
        JSON.stringify({
          terraform: { backend: { gcs: { bucket: "states", prefix: "dev" } } },
          resource: {
            terraform_data: {
              slow: {
                triggers_replace: seconds,
                provisioner: [
                  { "local-exec": { command: `sleep ${seconds}` } },
                ],
              },
            },
          },
        }),
      );
    }
    const terraform = (...args: string[]) =>
      new Promise<{ code: number | null; output: string }>((done) => {
        const child = spawn("terraform", [...args, "-no-color"], {
          cwd: folder,
          env: { ...process.env, CHECKPOINT_DISABLE: "1", ...cloud.env },
        });
        let output = "";
        const take = (chunk: Buffer) => (output += chunk.toString());
        child.stdout.on("data", take);
        child.stderr.on("data", take);
        child.on("close", (code) => done({ code, output }));
      });
    const apply = () => terraform("apply", "-auto-approve");
    const names = async (versions = false) => {
      const { items = [] } = await cloud.get("storage", "b/states/o", {
        versions: String(versions),
      });
      return items.map(({ name }: { name: string }) => name);
    };

    test("keeps the state as an object, and its lock no longer than an apply", async () => {
      expect((await terraform("init")).output).toContain(
        'Successfully configured the backend "gcs"!',
      );
      expect((await apply()).output).toContain("1 added");
      expect(await names()).toEqual([STATE]);

      const plan = await terraform("plan", "-detailed-exitcode");
      expect(plan.code).toBe(0);
    }, 60_000);

    test("fails when another apply holds the lock, which ends in peace", async () => {
      write(3);
      const first = apply();
      while (!(await names()).includes(LOCK)) await sleep(50);
      const second = await apply();

      expect(second.code).toBe(1);
      expect(second.output).toContain("Error acquiring the state lock");
      expect(second.output).toMatch(/412|conditionNotMet|pre-conditions/);
      expect((await first).output).toContain("1 added");
      expect(await names()).toEqual([STATE]);
    }, 60_000);

    test("keeps earlier states where the bucket has versions", async () => {
      const all = await names(true);

      expect(
        all.filter((name: string) => name === STATE).length,
      ).toBeGreaterThan(1);
    });
  },
);
