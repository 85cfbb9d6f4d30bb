import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "tuneserve-register-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(source: string) {
  writeFileSync(join(folder, "started.ts"), source);
  return spawnSync(
    process.execPath,
    ["-r", require.resolve("../swc-register.cjs"), "started.ts"],
    { cwd: folder, encoding: "utf8" },
  );
}

test("a stack trace names the line of the source, whatever stood before it", () => {
  const { status, stderr } = run(
    "interface Gone {\n  readonly a: number;\n}\n\n\nfunction fail(given: Gone): never {\n  throw new Error(`got ${given.a}`);\n}\nfail({ a: 1 });\n",
  );

  expect(status).toBe(1);
  expect(stderr).toMatch(/Error: got 1\n +at fail \(.*started\.ts:7:9\)/);
});

test("fails when the file is no TypeScript, and says where", () => {
  const { status, stderr } = run("const a: = 1;\n");

  expect(status).toBe(1);
  expect(stderr).toContain("started.ts:1:1");
});
