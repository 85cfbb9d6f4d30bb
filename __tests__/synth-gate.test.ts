import { App, Aspects } from "cdktf";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FinetuneStack } from "../constructs/finetune-stack";
import { readSettings } from "../constructs/read-settings";
import { refusals, SynthGate } from "../constructs/synth-gate";
import type { Waiver } from "../gates/waiver";
import { environment, type Raw, SOURCES } from "./synthesize";
import { withoutStackTraces } from "./without-stack-traces";

const TODAY = new Date("2026-11-24T12:00:00Z");
const TOKEN = `hf_${"aBcDeFgH".repeat(4)}`;

interface Options {
  readonly called?: string;
  readonly waivers?: readonly Waiver[];
  readonly change?: (stack: FinetuneStack) => void;
}

/** What the gate refuses of a stack; undefined when it synthesizes. */
function refused(
  raw: Raw,
  { called = "dev", waivers = [], change }: Options = {},
): string | undefined {
  const outdir = mkdtempSync(join(tmpdir(), "tuneserve-synth-gate-"));
  try {
    withoutStackTraces(() => {
      const app = new App({ outdir });
      const settings = readSettings({ environments: { [called]: raw } }, {});
      const stack = new FinetuneStack(app, called, settings[called]!, SOURCES);
      change?.(stack);
      Aspects.of(stack).add(new SynthGate(waivers, TODAY));
      app.synth();
    });
    expect(readdirSync(join(outdir, "stacks", called))).toContain(
      "cdk.tf.json",
    );
    return undefined;
  } catch (error) {
    const message = refusals(error);
    if (message === undefined) throw error;
    return message;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

const open = environment(
  {},
  { serving: { public: true, invokers: ["allUsers"] } },
);

/** The entry that a message prints, with a reason. */
function printed(message: string | undefined): Waiver {
  const [, entry = "null"] =
    /waivers\.json: (\{.*\})/.exec(message ?? "") ?? [];
  return { ...JSON.parse(entry), reason: "agreed for the demonstration" };
}

test.each(["dev", "prod"])("the default stack synthesizes as %s", (called) => {
  expect(refused(environment(), { called })).toBeUndefined();
});

test("fails when anybody may call the service, and says where and how to go on", () => {
  const message = refused(open);

  expect(message).toMatch(
    /^the synthesized stack is refused; nothing was created\n\[dev\/model-\S+\/service\/invoker-allUsers\] G01 google_cloud_run_v2_service_iam_member\.\S+: allUsers gets a role \(member\)\n.*To change: name the callers/,
  );
  expect(message).not.toMatch(/CDKTF_CONTINUE/);
});

test("the printed waiver lets it pass; not in another environment, not after its last day", () => {
  const entry = printed(refused(open));

  expect(entry).toMatchObject({ rule: "G01", environment: "dev" });
  expect(refused(open, { waivers: [entry] })).toBeUndefined();
  expect(refused(open, { waivers: [entry], called: "test" })).toMatch(/G01/);
  expect(
    refused(open, { waivers: [{ ...entry, expires: "2026-11-01" }] }),
  ).toMatch(/it expired on 2026-11-01/);
});

test("fails when the waived value becomes another", () => {
  const entry = printed(refused(open));
  const wider = environment(
    {},
    { serving: { public: true, invokers: ["allAuthenticatedUsers"] } },
  );

  expect(refused(wider, { waivers: [entry] })).toMatch(/G01/);
});

test("fails when a waiver of this environment fits nothing", () => {
  const entry = printed(refused(open));

  expect(refused(environment(), { waivers: [entry] })).toMatch(
    /the waiver synth:[0-9a-f]{16} does not hold/,
  );
});

test("fails when a token stands in the settings, without showing it", () => {
  const message = refused(environment({}, { prompt: `${TOKEN} {question}` }));

  expect(message).toMatch(
    /G14 google_cloud_run_v2_job\.\S+: holds what looks like a Hugging Face token/,
  );
  expect(message).not.toContain(TOKEN);
});

test("fails when a production environment is labelled as another", () => {
  const raw = environment({ labels: { env: "dev" } });

  expect(refused(raw, { called: "prod" })).toMatch(/labels\.env is 'dev'/);
  expect(refused(raw, { called: "test" })).toBeUndefined();
});

const resource = (stack: FinetuneStack, type: string) =>
  stack.node
    .findAll()
    .find(
      (node) =>
        "terraformResourceType" in node && node.terraformResourceType === type,
    ) as unknown as {
    addOverride(path: string, value: unknown): void;
  };
const SERVICE = "google_cloud_run_v2_service";

test.each<[string, (stack: FinetuneStack) => void]>([
  [
    "G02",
    (s) => resource(s, SERVICE).addOverride("invoker_iam_disabled", true),
  ],
  [
    "G14",
    (s) =>
      resource(s, "google_secret_manager_secret_version").addOverride(
        "secret_data",
        "x",
      ),
  ],
  [
    "G15",
    (s) =>
      resource(s, "google_project_iam_member").addOverride(
        "role",
        "roles/editor",
      ),
  ],
  [
    "G16",
    (s) =>
      s.addOverride("resource.google_service_account_key.k", {
        service_account_id: "x",
      }),
  ],
  [
    "G17",
    (s) => resource(s, SERVICE).addOverride("template.service_account", ""),
  ],
  [
    "G17",
    (s) =>
      resource(s, "google_cloud_run_v2_job").addOverride(
        "template.template.service_account",
        "${data.google_compute_default_service_account.x.email}",
      ),
  ],
  [
    "G19",
    (s) =>
      resource(s, "null_resource").addOverride(
        "provisioner.0.local-exec.command",
        "echo ${var.hf_token}",
      ),
  ],
  [
    "G19",
    (s) =>
      resource(s, "null_resource").addOverride(
        "provisioner.0.local-exec.command",
        "echo %{ for x in var.list }x%{ endfor }",
      ),
  ],
])("fails when an override breaks %s", (rule, change) => {
  expect(refused(environment(), { change })).toMatch(
    new RegExp(`\\] ${rule} `),
  );
});

test("what a rule only flags does not stop the synthesis", () => {
  const change = (s: FinetuneStack) =>
    resource(s, "null_resource").addOverride(
      "provisioner.0.local-exec.command",
      "make",
    );

  expect(refused(environment(), { change })).toBeUndefined();
});
