import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { savedPlan } from "../commands/saved-plan";
import { appliedFiles } from "../commands/saved-plan/applied-files";
import { seal, unseal } from "../commands/saved-plan/envelope";

function pair(bits = 3072) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { PLAN_PUBLIC_KEY: publicKey, PLAN_PRIVATE_KEY: privateKey };
}

const keys = pair();
const NOON = new Date("2026-11-24T12:00:00Z");
const later = (hours: number) => new Date(NOON.getTime() + hours * 3_600_000);

/** A secret as Terraform's plan holds it in clear. */
const PLAN = Buffer.from("the plan, with my-secret-value in clear");

let root: string;
let stack: string;
let sha256: string;

function git(...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  return execFileSync("git", [...identity, ...args], {
    cwd: root,
    encoding: "utf8",
  });
}

const run = (
  action: string,
  options: string[] = [],
  now = NOON,
  env: object = keys,
) => savedPlan([action, ...options], { root, env: { ...env }, now });

/** Everything of a checkout that an apply takes from disk, smaller than the real one. */
beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "tuneserve-saved-"));
  stack = path.join(root, "cdktf.out/stacks/dev");
  for (const folder of [
    "commands",
    "provision",
    "constructs",
    "gates",
    "trainer/finetune",
    "vllm",
  ]) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  for (const [name, text] of Object.entries({
    "provision/run-training.ts": "train();",
    "constructs/source-hash.ts": "hash();",
    "trainer/Dockerfile": "FROM a",
    "trainer/.dockerignore": "tests\n",
    "trainer/finetune/main.py": "pass",
    "vllm/Dockerfile": "FROM b",
    "vllm/.dockerignore": "tests\n",
    "gates/profile.ts": "profile();",
    "swc-register.cjs": "hook();",
    "package.json": "{}",
    "package-lock.json": "{}",
    ".npmrc": "",
    ".gitignore": "cdktf.out/\n*.plan\n",
  })) {
    writeFileSync(path.join(root, name), text);
  }
  git("init", "-q");
  git("add", "-A");
  git("commit", "-q", "-m", "a");
  mkdirSync(stack, { recursive: true });
  writeFileSync(path.join(stack, "tfplan"), PLAN);
  writeFileSync(path.join(stack, ".terraform.lock.hcl"), "providers");
  writeFileSync(
    path.join(root, "cdktf.out/manifest.json"),
    JSON.stringify({
      stacks: { dev: { name: "dev", workingDirectory: "stacks/dev" } },
    }),
  );
  const log = jest.spyOn(console, "log").mockImplementation();
  jest.spyOn(console, "error").mockImplementation();
  await run("seal");
  sha256 = log.mock.calls[0]?.[0] as string;
  // The machine that applies has synthesized, and has no plan.
  rmSync(path.join(stack, "tfplan"));
  rmSync(path.join(stack, ".terraform.lock.hcl"));
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(root, { recursive: true });
});

test("a plan comes back as it was, with the providers' hashes", async () => {
  await run("open", ["--sha256", sha256], later(23));

  expect(readFileSync(path.join(stack, "tfplan"))).toEqual(PLAN);
  expect(readFileSync(path.join(stack, ".terraform.lock.hcl"), "utf8")).toBe(
    "providers",
  );
  expect(statSync(path.join(stack, "tfplan")).mode & 0o077).toBe(0);
});

test("the sealed file shows nothing of the plan", () => {
  const sealed = readFileSync(path.join(root, "sealed.plan"));

  expect(sealed.includes("my-secret-value")).toBe(false);
  expect(sealed.includes(PLAN.toString("base64").slice(0, 12))).toBe(false);
  expect(sealed.includes("run-training")).toBe(false);
});

test.each<[string, () => void]>([
  [
    "provision/run-training.ts changed",
    () =>
      appendFileSync(path.join(root, "provision/run-training.ts"), "steal();"),
  ],
  [
    "provision/new.ts is new",
    () => writeFileSync(path.join(root, "provision/new.ts"), ""),
  ],
  [
    "trainer/finetune/main.py is gone",
    () => rmSync(path.join(root, "trainer/finetune/main.py")),
  ],
  [
    "trainer/new.py is new",
    () => writeFileSync(path.join(root, "trainer/new.py"), ""),
  ],
  [
    "trainer/finetune/main.py changed",
    () => chmodSync(path.join(root, "trainer/finetune/main.py"), 0o755),
  ],
  [
    "vllm/Dockerfile changed",
    () => writeFileSync(path.join(root, "vllm/Dockerfile"), "FROM c"),
  ],
  [
    "constructs/source-hash.ts changed",
    () => writeFileSync(path.join(root, "constructs/source-hash.ts"), ""),
  ],
  [
    "gates/profile.ts changed",
    () => writeFileSync(path.join(root, "gates/profile.ts"), ""),
  ],
  [
    "swc-register.cjs changed",
    () => writeFileSync(path.join(root, "swc-register.cjs"), ""),
  ],
  [
    "package-lock.json changed",
    () => writeFileSync(path.join(root, "package-lock.json"), "[]"),
  ],
])("fails when %s after the plan was made", async (problem, alter) => {
  alter();

  await expect(run("open")).rejects.toThrow(`  - ${problem}`);
  expect(readdirSync(stack)).toEqual([]);
});

test("a file that the image leaves out may change", async () => {
  mkdirSync(path.join(root, "trainer/tests"));
  writeFileSync(path.join(root, "trainer/tests/test_a.py"), "");

  await expect(run("open")).resolves.toBe(0);
});

test("fails when the commit is another one, even with the same files", async () => {
  git("commit", "-q", "--allow-empty", "-m", "b");

  await expect(run("open")).rejects.toThrow(/made from commit \w+, this is/);
});

test("fails when the plan is older than a day", async () => {
  await expect(run("open", [], later(25))).rejects.toThrow("over a day ago");
});

test("fails when the plan is for another environment", async () => {
  const manifest = path.join(root, "cdktf.out/manifest.json");
  const prod = { name: "prod", workingDirectory: "stacks/dev" };
  writeFileSync(manifest, JSON.stringify({ stacks: { prod } }));

  await expect(run("open")).rejects.toThrow("for environment dev, not prod");
});

test("fails when the file is not the one whose hash was told", async () => {
  // Whoever has the public key can seal a plan of their own.
  writeFileSync(
    path.join(root, "sealed.plan"),
    seal(Buffer.from("{}"), keys.PLAN_PUBLIC_KEY),
  );

  await expect(run("open", ["--sha256", sha256])).rejects.toThrow(
    "is not the plan that was made",
  );
});

test("fails when one byte of the file is another one, wherever it is", () => {
  const file = path.join(root, "sealed.plan");
  const whole = readFileSync(file);
  const places = Array.from({ length: 40 }, (_, i) =>
    Math.floor((i * (whole.length - 1)) / 39),
  );

  for (const place of places) {
    const altered = Buffer.from(whole);
    altered[place]! ^= 1;
    expect(() => unseal(altered, keys.PLAN_PRIVATE_KEY)).toThrow(
      /no sealed plan|could not be decrypted/,
    );
  }
});

test("fails when the file is cut short", () => {
  const whole = readFileSync(path.join(root, "sealed.plan"));

  for (const length of [0, 10, 17, 100, 401, 420, whole.length - 1]) {
    expect(() =>
      unseal(whole.subarray(0, length), keys.PLAN_PRIVATE_KEY),
    ).toThrow(/no sealed plan|could not be decrypted/);
  }
});

test("fails when it was sealed for another key", async () => {
  await expect(run("open", [], NOON, pair())).rejects.toThrow(
    "could not be decrypted",
  );
});

test.each([
  ["no key", {}, "PLAN_PRIVATE_KEY is not set"],
  ["no RSA key", { PLAN_PRIVATE_KEY: "secret words" }, "RSA key in PEM"],
  ["a key that is too short", pair(2048), "at least 3072 bits"],
])("fails when there is %s, and never shows it", async (_, env, message) => {
  const failed = run("open", [], NOON, env);

  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.not.toThrow("secret words");
});

test("every file that a script of the apply imports is among the hashes", () => {
  const repository = path.join(__dirname, "..");
  const hashed = Object.keys(appliedFiles(repository));
  // Also what they import in turn.
  const imported = new Set(
    readdirSync(path.join(repository, "provision"))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `provision/${name}`),
  );
  for (const name of imported) {
    const from = path.join(repository, name);
    for (const [, target = ""] of readFileSync(from, "utf8").matchAll(
      /from "(\.[^"]+)"/g,
    )) {
      const file = path.resolve(path.dirname(from), `${target}.ts`);
      imported.add(path.relative(repository, file));
    }
  }

  expect([...imported]).toContain("constructs/source-hash.ts");
  expect([...imported].filter((name) => !hashed.includes(name))).toEqual([]);
});
