import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fixtureFile } from "./plan-fixtures";
import { readWorkflow, type Ran, runStep, stepOf } from "./workflow";

// The scripts of the workflows' steps, run one after the other as a runner does
// it, with this project's own commands. Terraform is the real one where it and
// its providers are at hand, beside a stand-in that tells what it was asked.
const REPOSITORY = path.join(__dirname, "..");
const { plan: planJob, apply: applyJob } = readWorkflow("apply.yml").jobs;
const look = readWorkflow("drift.yml").jobs["look"]!;
const fromNothing = readWorkflow("pull-request.yml").jobs["plan-from-nothing"]!;

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 3072,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** Answers as Terraform does, and logs what it was asked. */
const TERRAFORM = `#!/usr/bin/env node
const { appendFileSync, copyFileSync, readFileSync, writeFileSync } = require("node:fs");
const [chdir, command, ...args] = process.argv.slice(2);
process.chdir(chdir.replace("-chdir=", ""));
appendFileSync(process.env.CALLS, [command, ...args].join(" ") + "\\n");
if (command === "init" && !args.includes("-lockfile=readonly")) {
  writeFileSync(".terraform.lock.hcl", "# hashes of the providers");
}
if (command === "plan") {
  writeFileSync(args.find((arg) => arg.startsWith("-out=")).slice(5), "the plan of " + process.env.PLAN_JSON);
  process.exit(Number(process.env.PLAN_EXIT ?? 2));
}
if (command === "show") {
  process.stdout.write(readFileSync(readFileSync(args.at(-1), "utf8").replace("the plan of ", "")));
}
`;

/** npm's own start takes longer than what it starts. */
const NPM = `#!/usr/bin/env bash
[ "$1 $2" = "run --silent" ] && [ "$4" = "--" ] || exit 98
exec node -r ./swc-register.cjs "commands/$3.ts" "\${@:5}"
`;

interface Machine {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

const folder = mkdtempSync(path.join(tmpdir(), "tuneserve-workflow-"));
const calls = path.join(folder, "calls");
const bin = path.join(folder, "bin");
let commit: string;

beforeAll(() => {
  mkdirSync(bin);
  for (const [name, text] of Object.entries({
    terraform: TERRAFORM,
    npm: NPM,
  })) {
    writeFileSync(path.join(bin, name), text);
    chmodSync(path.join(bin, name), 0o755);
  }
  commit = path.join(folder, "commit");
  mkdirSync(commit);
  for (const name of [
    ...["commands", "constructs", "gates", "provision"],
    ...["main.ts", "package.json", "package-lock.json", "swc-register.cjs"],
    ...["cdktf.json", ".npmrc", ".github"],
  ]) {
    cpSync(path.join(REPOSITORY, name), path.join(commit, name), {
      recursive: true,
    });
  }
  // As large as they have to be for a hash.
  for (const name of ["trainer", "vllm"]) {
    mkdirSync(path.join(commit, name));
    for (const file of ["Dockerfile", ".dockerignore"]) {
      cpSync(path.join(REPOSITORY, name, file), path.join(commit, name, file));
    }
  }
  cpSync(
    path.join(REPOSITORY, "trainer/recipe.json"),
    path.join(commit, "trainer/recipe.json"),
  );
  writeFileSync(path.join(commit, ".gitignore"), "node_modules\ncdktf.out\n");
  const git = (...args: string[]) =>
    execFileSync(
      "git",
      ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args],
      { cwd: commit },
    );
  git("init", "-q");
  git("add", "-A");
  git("commit", "-q", "-m", "a");
  // Once for all machines: it is the same everywhere, and takes longest.
  symlinkSync(
    path.join(REPOSITORY, "node_modules"),
    path.join(commit, "node_modules"),
  );
  const synth = spawnSync(
    process.execPath,
    ["-r", "./swc-register.cjs", "main.ts"],
    { cwd: commit, env: settings(bin), encoding: "utf8" },
  );
  if (synth.status !== 0) throw new Error(synth.stderr);
});

beforeEach(() => writeFileSync(calls, ""));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A runner with the commit checked out and synthesized. */
function machine(name: string, programs = bin): Machine {
  const root = path.join(folder, name);
  rmSync(root, { recursive: true, force: true });
  cpSync(commit, root, { recursive: true, verbatimSymlinks: true });
  return { root, env: settings(programs) };
}

/** @param programs - folder that comes before all others on the path */
function settings(programs: string): NodeJS.ProcessEnv {
  return {
    ...withoutSettings(process.env),
    PATH: `${programs}:${process.env["PATH"]}`,
    PROJECT_ID: "my-project",
    REGION: "us-central1",
    TUNESERVE_ENVIRONMENT: "dev",
    STACK: "cdktf.out/stacks/dev",
    COST_LIMIT: "",
    CALLS: calls,
    PLAN_JSON: fixtureFile("dev"),
    GOOGLE_OAUTH_ACCESS_TOKEN: "none",
    CHECKPOINT_DISABLE: "1",
  };
}

/** This machine's own settings would be put over those of the test. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const {
    CDKTF_CONTEXT_JSON: _,
    HF_TOKEN: __,
    TF_VAR_hf_token: ___,
    ...rest
  } = env;
  return rest;
}

/** The plan's job up to its artifact. */
function plan({ root, env }: Machine): {
  planned: Ran;
  gate: Ran;
  sealed: Ran;
} {
  const step = (name: string) =>
    runStep(stepOf(planJob!, name), root, env, {
      "vars.PLAN_PUBLIC_KEY": publicKey,
    });
  return {
    planned: step("Plan"),
    gate: step("Gate"),
    sealed: step(
      "Seal the plan with the hashes of what the apply takes from disk",
    ),
  };
}

/** The approved job from its artifact on; ends at the first step that fails. */
function apply(
  { root, env }: Machine,
  sha256: string,
  ...names: string[]
): Ran {
  let last: Ran | undefined;
  for (const name of names.length > 0 ? names : APPLY_STEPS) {
    last = runStep(stepOf(applyJob!, name), root, env, {
      "secrets.PLAN_PRIVATE_KEY": privateKey,
      "needs.plan.outputs.sha256": sha256,
    });
    if (last.code !== 0) return last;
  }
  return last!;
}

const APPLY_STEPS = [
  "Open the plan, if commit and files are those that it was made with",
  "Read the plan back, with the providers that it was made with",
  "Gate again",
  "Apply that plan",
];

/** What the artifact carries from one runner to another. */
function handOver(from: Machine, to: Machine): void {
  cpSync(
    path.join(from.root, "sealed.plan"),
    path.join(to.root, "sealed.plan"),
  );
}

const asked = () => readFileSync(calls, "utf8").trim().split("\n");

describe("with a stand-in for Terraform", () => {
  let planner: Machine;
  let made: ReturnType<typeof plan>;
  let plannedCalls: string[];

  beforeAll(() => {
    writeFileSync(calls, "");
    planner = machine("planner");
    made = plan(planner);
    plannedCalls = asked();
  });

  test("main is planned without a lock, judged, and sealed", () => {
    expect(made.planned).toMatchObject({
      code: 0,
      outputs: { changes: "yes" },
    });
    expect(plannedCalls).toEqual([
      "init",
      "plan -lock=false -detailed-exitcode -out=tfplan",
      "show -json tfplan",
    ]);
    expect(made.gate.code).toBe(0);
    expect(made.sealed.outputs["sha256"]).toMatch(/^[0-9a-f]{64}$/);
    expect(
      readFileSync(path.join(planner.root, "sealed.plan")).includes(
        "the plan of",
      ),
    ).toBe(false);
  });

  test("whoever approves can read what the apply will do", () => {
    const { summary, code } = runStep(
      stepOf(planJob!, "Show what the gate said"),
      planner.root,
      planner.env,
    );

    expect(code).toBe(0);
    expect(summary).toMatch(/^## Plan gate: /);
    expect(summary).toContain("What this apply will do");
  });

  test("the look for drift plans without a lock, and applies nothing", () => {
    writeFileSync(calls, "");
    const { code, summary } = runStep(
      stepOf(look, "Compare the cloud with the state"),
      planner.root,
      { ...planner.env, PLAN_EXIT: "0" },
    );

    expect(code).toBe(0);
    expect(summary).toBe("");
    expect(asked()).toEqual([
      "init",
      "plan -lock=false -out=drift",
      "show -json drift",
    ]);
  });

  test("the approved plan is applied, and nothing is planned again", () => {
    const runner = machine("runner");
    handOver(planner, runner);
    writeFileSync(calls, "");

    expect(apply(runner, made.sealed.outputs["sha256"]!)).toMatchObject({
      code: 0,
    });
    expect(asked()).toEqual([
      "init -lockfile=readonly",
      "show -json tfplan",
      "apply -lock-timeout=5m tfplan",
    ]);
  });

  test("fails when a file changed after the plan, before Terraform is asked", () => {
    const runner = machine("runner");
    handOver(planner, runner);
    const files = ["provision/run-training.ts", "vllm/Dockerfile"];
    for (const file of [...files, "package-lock.json", "trainer/Dockerfile"]) {
      appendFileSync(path.join(runner.root, file), "\n");
    }

    const { code, output } = apply(runner, made.sealed.outputs["sha256"]!);
    expect(code).toBe(1);
    for (const file of [...files, "package-lock.json", "trainer/Dockerfile"]) {
      expect(output).toContain(`- ${file} changed`);
    }
    expect(readFileSync(calls, "utf8")).toBe("");
  });

  test("fails when another plan lies in the artifact", () => {
    const runner = machine("runner");
    handOver(planner, runner);

    const { code, output } = apply(runner, "0".repeat(64));
    expect(code).toBe(1);
    expect(output).toContain("is not the plan that was made");
  });

  test("fails at the second gate when the opened plan is one that it blocks", () => {
    const runner = machine("runner");
    handOver(planner, runner);
    const bad = path.join(folder, "bad.json");
    const json = JSON.parse(readFileSync(fixtureFile("dev"), "utf8"));
    writeFileSync(bad, JSON.stringify({ ...json, errored: true }));
    expect(
      apply(runner, made.sealed.outputs["sha256"]!, APPLY_STEPS[0]!).code,
    ).toBe(0);
    writeFileSync(
      path.join(runner.root, "cdktf.out/stacks/dev/tfplan"),
      `the plan of ${bad}`,
    );

    const { code } = apply(runner, "", ...APPLY_STEPS.slice(1));
    expect(code).not.toBe(0);
    expect(asked().some((call) => call.startsWith("apply"))).toBe(false);
  });

  test("nothing is sealed or applied when nothing changes", () => {
    const quiet = machine("quiet");
    const { code, outputs } = runStep(stepOf(planJob!, "Plan"), quiet.root, {
      ...quiet.env,
      PLAN_EXIT: "0",
    });

    expect(code).toBe(0);
    expect(outputs).toEqual({ changes: "no" });
    expect(applyJob!.if).toContain("needs.plan.outputs.changes == 'yes'");
  });

  test("fails when the plan fails, and says nothing of changes", () => {
    const broken = machine("broken");
    const { code, outputs } = runStep(stepOf(planJob!, "Plan"), broken.root, {
      ...broken.env,
      PLAN_EXIT: "1",
    });

    expect(code).toBe(1);
    expect(outputs).toEqual({});
  });

  test("fails at the gate above the limit of costs, and the report is there", () => {
    const { root, env } = planner;
    const { code } = runStep(stepOf(planJob!, "Gate"), root, {
      ...env,
      COST_LIMIT: "1",
    });

    expect(code).toBe(1);
    expect(readFileSync(path.join(root, "gate.md"), "utf8")).toContain("G23");
  });
});

/** Whether Terraform finds itself and the providers of a stack. */
function available({ root, env }: Machine): boolean {
  const probe = path.join(folder, "probe");
  cpSync(path.join(root, "cdktf.out/stacks/dev"), probe, { recursive: true });
  const { status, stderr, error } = spawnSync(
    "terraform",
    ["init", "-input=false", "-no-color", "-backend=false"],
    { cwd: probe, env, encoding: "utf8" },
  );
  if (status !== 0) {
    process.stderr.write(
      `skipped: terraform init did not find google 6.50.0 and null 3.2.4\n${error?.message ?? stderr}\n`,
    );
  }
  return status === 0;
}

test("with the real Terraform a plan from nothing is judged, and a sealed one opens", () => {
  mkdirSync(path.join(folder, "npm-only"));
  cpSync(path.join(bin, "npm"), path.join(folder, "npm-only/npm"));
  const fork = machine("fork", path.join(folder, "npm-only"));
  if (!available(fork)) return;

  const step = (name: string) =>
    runStep(stepOf(fromNothing, name), fork.root, fork.env);
  expect(step("Plan without a state")).toMatchObject({ code: 0 });
  expect(step("Gate")).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(fork.root, "gate.md"), "utf8")).toContain(
    "1 model trained",
  );

  const sealed = runStep(
    stepOf(
      planJob!,
      "Seal the plan with the hashes of what the apply takes from disk",
    ),
    fork.root,
    fork.env,
    { "vars.PLAN_PUBLIC_KEY": publicKey },
  );
  const runner = machine("runner", path.join(folder, "npm-only"));
  handOver(fork, runner);
  // All but the last: it would ask Google.
  const read = apply(
    runner,
    sealed.outputs["sha256"]!,
    ...APPLY_STEPS.slice(0, 3),
  );
  expect(read).toMatchObject({ code: 0 });
  expect(
    existsSync(path.join(runner.root, "cdktf.out/stacks/dev/plan.json")),
  ).toBe(true);
}, 120_000);
