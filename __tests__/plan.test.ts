import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixtureFile, PLANNED, planFixture, planShape } from "./plan-fixtures";
import {
  DEFAULT_RESOURCES,
  environment,
  type Raw,
  synthesizeText,
} from "./synthesize";

// The real Terraform and the real providers. A machine that has neither them nor
// a way to download them skips these tests and says so.
const folder = mkdtempSync(join(tmpdir(), "tuneserve-plan-"));
const terraform = (stack: string, ...args: string[]) =>
  spawnSync("terraform", [...args, "-no-color"], {
    cwd: join(folder, stack),
    encoding: "utf8",
    env: {
      ...process.env,
      // A plan of new resources asks Google nothing, so no account is needed.
      GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
      CHECKPOINT_DISABLE: "1",
      TF_PLUGIN_CACHE_DIR: folder,
      TF_IN_AUTOMATION: "1",
    },
  });

function write(stack: string, settings?: Raw, called?: string): void {
  mkdirSync(join(folder, stack), { recursive: true });
  writeFileSync(
    join(folder, stack, "cdk.tf.json"),
    synthesizeText(settings, called),
  );
}

write("default");
const init = terraform("default", "init", "-input=false");
const available = init.status === 0;
if (!available) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write(
    `skipped: terraform init did not find google 6.50.0 and null 3.2.4\n${init.error?.message ?? init.stderr}\n`,
  );
}

afterAll(() => rmSync(folder, { recursive: true }));

interface Plan {
  resource_changes: { type: string; change: { actions: string[] } }[];
  output_changes: Record<string, { after?: unknown }>;
}

(available ? describe : describe.skip)("with the real providers", () => {
  // A plan begins with what `terraform validate` does.
  test("a first plan is valid, and creates exactly the resources of the design", () => {
    const plan = planned("default");
    const counts: Record<string, number> = {};
    for (const { type, change } of plan.resource_changes) {
      expect(change.actions).toEqual(["create"]);
      counts[type] = (counts[type] ?? 0) + 1;
    }

    expect(counts).toEqual(DEFAULT_RESOURCES);
    expect(plan.output_changes.run_id?.after).toMatch(/^[0-9a-f]{12}$/);
  });

  test.each<[string, Raw]>([
    [
      "two models, one pinned",
      environment({
        models: {
          a: {
            training: { startFrom: "0123456789ab", reportTo: ["tensorboard"] },
            promotion: { minimum: 0.5, mustBeat: "ba9876543210" },
          },
          b: {
            pin: "0123456789ab",
            training: { job: "b" },
            serving: { service: "b", invokers: ["user:ada@example.com"] },
          },
        },
      }),
    ],
    [
      "everything ready made",
      environment(
        {
          network: "none",
          token: { source: "none" },
          state: {},
          labels: { team: "data" },
        },
        {
          training: { image: "us-docker.pkg.dev/p/r/trainer:1" },
          serving: {
            image: "us-docker.pkg.dev/p/r/vllm:1",
            command: ["python3", "-m", "vllm.entrypoints.api_server"],
            deletionProtection: true,
            minInstances: 1,
            check: { enabled: false },
          },
        },
      ),
    ],
    [
      "the larger GPU, an existing secret, another network",
      environment(
        {
          network: { network: "ml", subnetwork: "ml", egress: "all" },
          token: { source: "existing" },
        },
        {
          training: {
            accelerator: "nvidia-rtx-pro-6000",
            cpu: 20,
            memory: "80Gi",
          },
          serving: {
            accelerator: "nvidia-rtx-pro-6000",
            cpu: 30,
            memory: "120Gi",
            ingress: "internal",
            check: { invoker: "user:ada@example.com", required: true },
          },
        },
      ),
    ],
  ])("%s can be planned", (name, dev) => {
    write(name, dev);
    terraform(name, "init", "-input=false");

    const { stdout, stderr } = terraform(name, "plan", "-input=false");
    expect(stderr).toBe("");
    const [, added] =
      /^Plan: (\d+) to add, 0 to change, 0 to destroy\.$/m.exec(stdout) ?? [];
    expect(Number(added)).toBeGreaterThan(20);
  });

  // UPDATE_PLANS=1 writes the fixtures anew, also those that are not compared.
  const { dev, prod, ...others } = PLANNED;
  test.each(
    Object.entries({ dev, prod, ...(process.env.UPDATE_PLANS ? others : {}) }),
  )(
    "the gate's fixture of the %s plan is what Terraform writes",
    (name, of) => {
      if (name !== "dev") {
        write(name, of?.settings, of?.environment);
        terraform(name, "init", "-input=false");
      }
      const plan = {
        ...planned(name === "dev" ? "default" : name),
        timestamp: "2026-11-24T00:00:00Z",
      };
      if (process.env.UPDATE_PLANS) {
        writeFileSync(fixtureFile(name), `${JSON.stringify(plan)}\n`);
      }

      expect(planShape(planFixture(name))).toEqual(planShape(plan));
    },
  );
});

const plans = new Map<string, Plan>();

function planned(stack: string): Plan {
  const known = plans.get(stack);
  if (known !== undefined) return known;
  const plan = terraform(stack, "plan", "-input=false", "-out=plan");
  expect(plan.stderr).toBe("");
  const json = JSON.parse(
    terraform(stack, "show", "-json", "plan").stdout,
  ) as Plan;
  plans.set(stack, json);
  return json;
}
