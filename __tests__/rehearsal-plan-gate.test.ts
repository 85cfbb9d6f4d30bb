import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { passGate } from "../rehearsal/plan-gate";
import type { Workspace } from "../rehearsal/workspace";

const folder = mkdtempSync(join(tmpdir(), "tuneserve-plan-gate-"));
afterAll(() => rmSync(folder, { recursive: true }));
const workspace = {
  folder,
  home: folder,
  log: (name: string) => join(folder, `${name}.log`),
} as Workspace;

const plan = readFileSync(resolve(__dirname, "fixtures/plan-dev.json"), "utf8");

describe("the gate of a rehearsal", () => {
  beforeEach(() => {
    jest.spyOn(console, "error").mockReturnValue();
  });
  afterEach(() => jest.restoreAllMocks());

  test("says in a line how a plan passed", async () => {
    expect(await passGate(plan, workspace)).toMatch(
      /^passed: 0 to change, \d+ to look at, 0 waived$/,
    );
  }, 20_000);

  test("fails with the report when a plan is blocked", async () => {
    const errored = JSON.stringify({ ...JSON.parse(plan), errored: true });

    await expect(passGate(errored, workspace)).rejects.toThrow(
      /^The plan did not pass the gate:\nBLOCKED[^]*G00/,
    );
  }, 20_000);

  test("fails when Terraform has shown no plan", async () => {
    await expect(passGate("", workspace)).rejects.toThrow("it is no JSON");
  }, 20_000);
});
