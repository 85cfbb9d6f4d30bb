import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CommandError } from "../commands/command-line";
import { LocalProcess } from "./local-process";
import { expected, withProgress } from "./progress";
import type { Workspace } from "./workspace";

/**
 * Judges a plan as `npm run gate` does.
 *
 * @param json - what `terraform show -json` printed
 * @returns the verdict in a line
 * @throws CommandError with the whole report, where the plan does not pass
 */
export async function passGate(
  json: string,
  workspace: Workspace,
): Promise<string> {
  const plan = join(workspace.folder, "plan.json");
  writeFileSync(plan, json);
  // The user's own are for other plans, and one that fits nothing blocks.
  const waivers = join(workspace.folder, "waivers.json");
  writeFileSync(waivers, "[]");
  const work = new LocalProcess({
    name: "gate",
    command: [
      process.execPath,
      ...["-r", "./swc-register.cjs", "commands/gate.ts"],
      ...[plan, "--waivers", waivers],
    ],
    folder: resolve(__dirname, ".."),
    log: workspace.log("gate"),
    environment: { PATH: process.env.PATH ?? "", HOME: workspace.home },
  });
  const code = await withProgress("Judging the plan", expected(2), work.ended);
  const verdict = /^passed: .*/m.exec(work.output)?.[0];
  if (code !== 0 || verdict === undefined) {
    throw new CommandError(`The plan did not pass the gate:\n${work.output}`);
  }
  return verdict;
}
