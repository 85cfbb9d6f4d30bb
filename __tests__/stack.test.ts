import { execFileSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  DEFAULT_RESOURCES,
  environment,
  only,
  provisioner,
  resources,
  synthesize,
  synthesizeText,
} from "./synthesize";

const ROOT = resolve(__dirname, "..");

test("the default stack has exactly these resources", () => {
  const { resource } = synthesize();
  const counts = Object.fromEntries(
    Object.entries(resource).map(([type, all]) => [
      type,
      Object.keys(all).length,
    ]),
  );

  expect(counts).toEqual(DEFAULT_RESOURCES);
});

test("the default stack synthesizes to the reviewed JSON", () => {
  expect(synthesizeText()).toMatchSnapshot();
});

test("the provider and Terraform are the versions that were tried", () => {
  const { terraform } = synthesize();

  expect(terraform.required_version).toBe(">= 1.11");
  expect(terraform.required_providers).toEqual({
    google: { source: "google", version: "6.50.0" },
    null: { source: "null", version: "3.2.4" },
  });
});

test("the state is a local file of the environment, with a relative path", () => {
  expect(synthesize().terraform.backend).toEqual({
    local: { path: "../../../terraform.dev.tfstate" },
  });
});

test("the state goes to a bucket when one is set", () => {
  const { terraform } = synthesize(
    environment({ state: { bucket: "my-states" } }),
  );

  expect(terraform.backend).toEqual({
    gcs: { bucket: "my-states", prefix: "tuneserve/dev" },
  });
});

test("labels of the settings go on everything, as they are written", () => {
  const labels = { team: "data", "cost-center": "c1" };
  const { provider } = synthesize(environment({ labels }));

  expect(provider.google[0].default_labels).toEqual({ env: "dev", ...labels });
});

test("every resource waits until the APIs answer", () => {
  const stack = synthesize();
  const ready = reachable(stack.resource, "null_resource.apis_ready");
  const waiting = Object.entries(stack.resource)
    .flatMap(([type, all]) => Object.keys(all).map((id) => `${type}.${id}`))
    .filter((address) => !ready.has(address));

  // The guard and the APIs themselves come before.
  expect(
    waiting.filter((address) => !address.startsWith("google_project_service.")),
  ).toEqual([
    expect.stringMatching(/^null_resource\.apis_ready/),
    expect.stringMatching(/^null_resource\.token-guard/),
  ]);
  expect(waiting).toHaveLength(8 + 2);
});

test("the job waits for its image, its grants and the token, not for vLLM's image", () => {
  const { depends_on } = only(synthesize(), "google_cloud_run_v2_job");

  expect(depends_on).toEqual([
    expect.stringMatching(/^null_resource\.grants_/),
    expect.stringMatching(/^google_secret_manager_secret_version\./),
    expect.stringMatching(/^google_secret_manager_secret_iam_member\./),
    expect.stringMatching(/^null_resource\.trainer-image_build_/),
  ]);
});

test("the service waits for the training run", () => {
  const { depends_on } = only(synthesize(), "google_cloud_run_v2_service");

  expect(depends_on).toContainEqual(
    expect.stringMatching(/^null_resource\.model-.*_run_execution_/),
  );
});

test("outputs are plain for one model and maps for several", () => {
  const one = synthesize().output;
  const two = synthesize(
    environment({
      models: {
        a: {},
        b: { training: { job: "b" }, serving: { service: "b" } },
      },
    }),
  ).output;

  expect(Object.keys(one).sort()).toEqual([
    "ask",
    "model_uri",
    "run_id",
    "service_url",
  ]);
  expect(one.run_id?.value).toMatch(/^[0-9a-f]{12}$/);
  expect(Object.keys(two.service_url?.value as object)).toEqual(["a", "b"]);
});

test("models of one environment share the images, accounts and the bucket", () => {
  const stack = synthesize(
    environment({
      models: {
        a: {},
        "7b": { training: { job: "b" }, serving: { service: "b" } },
      },
    }),
  );

  expect(resources(stack, "google_cloud_run_v2_job")).toHaveLength(2);
  expect(resources(stack, "google_cloud_run_v2_service")).toHaveLength(2);
  expect(resources(stack, "google_service_account")).toHaveLength(3);
  expect(resources(stack, "google_storage_bucket")).toHaveLength(2);
  // Three steps that come first, two builds, two runs, two confirmations, two checks.
  expect(resources(stack, "null_resource")).toHaveLength(11);
});

test("provisioners start Node on a file, without a shell, and never see the token", () => {
  for (const resource of resources(synthesize(), "null_resource")) {
    const exec = resource.provisioner[0]["local-exec"];

    expect(exec.interpreter).toEqual(["node", "-r", "./swc-register.cjs"]);
    expect(exec.command).toMatch(/^provision\/[a-z-]+\.ts$/);
    expect(exec.working_dir).toBe("${path.root}/../../..");
    expect(exec.environment).toMatchObject({
      HF_TOKEN: "",
      TF_VAR_hf_token: "",
    });
  }
});

test("a provisioner runs again only for what it makes", () => {
  const stack = synthesize();

  expect(provisioner(stack, "provision/run-training.ts").triggers).toEqual({
    run_id: stack.output.run_id?.value,
  });
  expect(
    provisioner(stack, "provision/build-image.ts", "trainer").triggers,
  ).toEqual({
    image:
      "us-central1-docker.pkg.dev/my-project/codelab-finetuning-jobs/finetune-to-gcs:aaaaaaaaaaaaaaaa",
  });
});

describe("through main.ts", () => {
  const outdir = mkdtempSync(join(tmpdir(), "tuneserve-main-"));
  afterAll(() => rmSync(outdir, { recursive: true }));

  const main = (
    variables: Record<string, string>,
    options: { umask?: string; cwd?: string } = {},
  ) =>
    execFileSync(
      "sh",
      [
        "-c",
        `umask ${options.umask ?? "022"} && exec "$0" -r ./swc-register.cjs main.ts`,
        process.execPath,
      ],
      {
        cwd: options.cwd ?? ROOT,
        encoding: "utf8",
        stdio: "pipe",
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          CDKTF_OUTDIR: outdir,
          ...variables,
        },
      },
    );
  const project = { PROJECT_ID: "my-project", REGION: "us-central1" };
  const synthesized = () =>
    readFileSync(join(outdir, "stacks/dev/cdk.tf.json"), "utf8");
  let first: string;
  beforeAll(() => {
    main(project);
    first = synthesized();
  });

  test("the context is read from cdktf.json when the CLI did not pass it", () => {
    const { context } = JSON.parse(
      readFileSync(join(ROOT, "cdktf.json"), "utf8"),
    );
    main({ ...project, CDKTF_CONTEXT_JSON: JSON.stringify(context) });

    expect(synthesized()).toBe(first);
  });

  test("nothing in the JSON depends on the umask, the time or the folder", () => {
    main(
      { ...project, TZ: "Asia/Tokyo", LANG: "ja_JP.UTF-8" },
      { umask: "002" },
    );

    expect(synthesized()).toBe(first);
    expect(first).not.toContain(ROOT);
    expect(first).not.toContain(outdir);
  });

  test("a token in the environment reaches no synthesized file", () => {
    const canary = "hf_CANARYcanaryCANARYcanary";
    main({ ...project, HF_TOKEN: canary, TF_VAR_hf_token: canary });
    const files = (readdirSync(outdir, { recursive: true }) as string[])
      .map((name) => join(outdir, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, "utf8"));

    expect(files.length).toBeGreaterThan(1);
    expect(files.join("\n")).not.toContain(canary);
  });

  test("revisions that can move are warned of, and pinned ones are not", () => {
    const revision = "a".repeat(40);
    const environments = {
      moving: environment(),
      pinned: environment(
        { projectId: "other-project" },
        { base: { revision }, dataset: { id: "gs://bucket/rows" } },
      ),
    };
    main({ CDKTF_CONTEXT_JSON: JSON.stringify({ environments }) });
    const manifest = readFileSync(join(outdir, "manifest.json"), "utf8");
    const warnings = (name: keyof typeof environments) =>
      JSON.parse(manifest).stacks[name].annotations.map(
        ({ level, message }: Record<string, string>) => `${level} ${message}`,
      );

    expect(warnings("moving")).toEqual([
      expect.stringMatching(/^@cdktf\/warn google\/gemma-2b stands at 'main'/),
      expect.stringMatching(/^@cdktf\/warn b-mc2\/sql-create-context stands/),
    ]);
    expect(warnings("pinned")).toEqual([]);
  });

  test("fails when the project is missing, with one readable error", () => {
    expect(() => main({ REGION: "us-central1" })).toThrow(
      expect.objectContaining({
        status: 1,
        stderr: expect.stringMatching(
          /^the settings have 1 problem; nothing was created\n {2}- environments\.dev\.projectId: not set/,
        ),
      }),
    );
  });
});

/** Addresses that depend on one whose name begins so, directly or not. */
function reachable(
  resource: Record<string, Record<string, unknown>>,
  start: string,
): Set<string> {
  const texts = Object.entries(resource).flatMap(([type, all]) =>
    Object.entries(all).map(
      ([id, body]) => [`${type}.${id}`, JSON.stringify(body)] as const,
    ),
  );
  const found = new Set<string>();
  let before = -1;
  while (before !== found.size) {
    before = found.size;
    for (const [address, text] of texts) {
      const sources = [start, ...found];
      if (sources.some((s) => new RegExp(`["{(]${s}[."_\\w-]`).test(text))) {
        if (!address.startsWith(start)) found.add(address);
      }
    }
  }
  return found;
}
