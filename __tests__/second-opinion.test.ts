import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  checkovArguments,
  CHECKOV_CONFIG,
  zizmorArguments,
} from "../commands/second-opinion";
import {
  type Tool,
  toolPath,
} from "../commands/second-opinion/tool-environment";
import { fixtureFile } from "./plan-fixtures";

const ROOT = path.join(__dirname, "..");

/** 300 MB more for every fresh machine would be too much: who has them runs them. */
const installed = (tool: Tool) => {
  const found = existsSync(toolPath(tool));
  if (!found) {
    process.stderr.write(
      `skipped: ${tool} is not installed; npm run second-opinion -- __tests__/fixtures/plan-dev.json installs it\n`,
    );
  }
  return found;
};

function run(tool: Tool, args: string[]) {
  return spawnSync(toolPath(tool), args, { cwd: ROOT, encoding: "utf8" });
}

(installed("zizmor") ? describe : describe.skip)("zizmor", () => {
  test("finds nothing in the workflows", () => {
    const { status, stdout } = run("zizmor", zizmorArguments());

    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining("No findings"),
    ]);
  });
});

(installed("checkov") ? describe : describe.skip)("Checkov", () => {
  // As long as it takes to start: the plans go in together.
  test("finds nothing in the plans of dev and prod beyond the skip list", () => {
    const both = [fixtureFile("dev"), fixtureFile("prod")];
    const { status, stdout } = run("checkov", [
      ...checkovArguments(both[0]!),
      "--file",
      both[1]!,
    ]);

    expect([status, stdout]).toEqual([0, expect.any(String)]);
  }, 120_000);

  test("is really asked: an open bucket is found", () => {
    const plan = path.join(tmpdir(), `tuneserve-open-${process.pid}.json`);
    const open = readFileSync(fixtureFile("dev"), "utf8")
      .replaceAll(
        '"public_access_prevention":"enforced"',
        '"public_access_prevention":"inherited"',
      )
      .replaceAll(
        '"public_access_prevention": "enforced"',
        '"public_access_prevention": "inherited"',
      );
    writeFileSync(plan, open);
    try {
      const { status, stdout } = run("checkov", checkovArguments(plan));

      expect(status).toBe(1);
      expect(stdout).toContain("CKV_GCP_114");
    } finally {
      rmSync(plan);
    }
  }, 120_000);
});

test("every rule that Checkov leaves out has its reason beside it", () => {
  const lines = readFileSync(path.join(ROOT, CHECKOV_CONFIG), "utf8").split(
    "\n",
  );
  const skipped = lines.flatMap((line, i) =>
    /^ {2}- CKV/.test(line) ? [i] : [],
  );

  expect(skipped.length).toBeGreaterThan(0);
  for (const i of skipped) {
    // Two may share one reason.
    expect(lines[i - 1]).toMatch(/^ {2}(#|- CKV)/);
  }
});
