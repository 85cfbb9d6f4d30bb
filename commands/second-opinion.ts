import { spawnSync } from "node:child_process";
import path from "node:path";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { installTool } from "./second-opinion/tool-environment";

const COMMAND: Command<Record<never, never>> = {
  name: "second-opinion",
  summary:
    "What others' rules say: zizmor about .github, and Checkov about a plan (terraform show -json), if one is given.\n" +
    "Installs both once, each into an environment of its own (about 300 MB together). docs/ci.md says what is left out and why.",
  options: {},
  positionals: "[plan.json]",
};

/** What Checkov is told; the skip list with its reasons stands there. */
export const CHECKOV_CONFIG = ".checkov.yaml";

/** Arguments for zizmor, which is not to ask GitHub anything. */
export function zizmorArguments(): string[] {
  return ["--offline", "--no-progress", "--min-severity=medium", ".github"];
}

/** Arguments for Checkov, which is not to report anything to its maker. */
export function checkovArguments(plan: string): string[] {
  return ["--config-file", CHECKOV_CONFIG, "--file", plan];
}

/** `npm run second-opinion`: 0 when neither has anything to say. */
export async function secondOpinion(
  argv: readonly string[],
  root = process.cwd(),
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) return 0;
  const [plan, another] = line.positionals;
  if (another !== undefined) {
    throw new CommandError("Give one plan, or none.", 2);
  }
  const runs: [string, string[]][] = [
    [installTool("zizmor"), zizmorArguments()],
    ...(plan === undefined
      ? []
      : [
          [
            installTool("checkov"),
            checkovArguments(path.resolve(root, plan)),
          ] as [string, string[]],
        ]),
  ];
  const codes = runs.map(
    ([program, args]) =>
      spawnSync(program, args, { cwd: root, stdio: "inherit" }).status ?? 1,
  );
  return Math.max(...codes) === 0 ? 0 : 1;
}

if (require.main === module) {
  void runAsProcess((argv) => secondOpinion(argv));
}
