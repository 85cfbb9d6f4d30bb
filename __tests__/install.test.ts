import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Takes half a second, and logs that it was asked. */
const NPM = `#!/usr/bin/env bash
echo "$@" >> calls; sleep 0.5; mkdir -p node_modules
`;

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "tuneserve-install-"));
  mkdirSync(path.join(root, "commands"));
  mkdirSync(path.join(root, "bin"));
  cpSync(
    path.join(__dirname, "../commands/install.mjs"),
    path.join(root, "commands/install.mjs"),
  );
  writeFileSync(path.join(root, "package-lock.json"), "{}");
  writeFileSync(path.join(root, "bin/npm"), NPM);
  chmodSync(path.join(root, "bin/npm"), 0o755);
});

/** Its exit code and what it said. */
function install(): Promise<{ code: number | null; said: string }> {
  const process_ = spawn(process.execPath, ["commands/install.mjs"], {
    cwd: root,
    env: { PATH: `${path.join(root, "bin")}:${process.env["PATH"]}` },
  });
  let said = "";
  process_.stderr.on("data", (text) => (said += text));
  return new Promise((resolve) =>
    process_.on("close", (code) => resolve({ code, said })),
  );
}

const calls = () => readFileSync(path.join(root, "calls"), "utf8");
const turn = () => path.join(root, ".tuneserve-installing");

test("two commands that are started together install once", async () => {
  const ended = await Promise.all([install(), install()]);

  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  expect(ended.some(({ said }) => /waiting for it/.test(said))).toBe(true);
  expect(calls()).toBe("ci --ignore-scripts\n");
  expect(existsSync(turn())).toBe(false);
});

test("an installation that was killed holds nobody up", async () => {
  // More than any process can have.
  writeFileSync(turn(), "99999999");

  expect((await install()).code).toBe(0);
  expect(calls()).toBe("ci --ignore-scripts\n");
});

test("what is installed is not installed again, until the lock file changes", async () => {
  await install();
  await install();
  expect(calls()).toBe("ci --ignore-scripts\n");

  writeFileSync(path.join(root, "package-lock.json"), "{ }");
  await install();
  expect(calls()).toBe("ci --ignore-scripts\n".repeat(2));
});

test("fails when npm fails, and installs again the next time", async () => {
  writeFileSync(path.join(root, "bin/npm"), "#!/bin/sh\nexit 7\n");
  const { code, said } = await install();
  expect(code).toBe(1);
  expect(said).toContain("npm ci failed (exit code 7)");

  writeFileSync(path.join(root, "bin/npm"), NPM);
  expect((await install()).code).toBe(0);
  expect(calls()).toBe("ci --ignore-scripts\n");
});

test("fails when node_modules is a link to what was installed for another project", async () => {
  const other = path.join(root, "other");
  mkdirSync(other);
  writeFileSync(path.join(other, ".tuneserve-lock"), "another");
  symlinkSync(other, path.join(root, "node_modules"));

  const { code, said } = await install();

  expect(code).toBe(1);
  expect(said).toContain(`a link to ${other}`);
  expect(existsSync(path.join(root, "calls"))).toBe(false);
});
