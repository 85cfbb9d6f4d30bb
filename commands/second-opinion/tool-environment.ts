import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../command-line";
import { cacheFolder } from "../python-environment";

/** A Python tool with the file of its locked packages beside this one. */
export type Tool = "checkov" | "zizmor";

/** Where the tool is, or would be: one environment for each lock file. */
export function toolPath(tool: Tool): string {
  const locked = createHash("sha256")
    .update(readFileSync(lockFile(tool)))
    .digest("hex")
    .slice(0, 12);
  return path.join(cacheFolder(), `${tool}-${locked}`, "bin", tool);
}

/**
 * Installs a tool into an environment of its own, unless it is there. Apart from
 * everything else, because their packages fit nobody else's.
 *
 * @throws CommandError when pip cannot
 */
export function installTool(tool: Tool): string {
  const program = toolPath(tool);
  if (existsSync(program)) return program;
  const folder = path.dirname(path.dirname(program));
  // The paths inside are absolute, so it is made where it stays: what is not
  // complete is removed, and the program comes last.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.dirname(folder), { recursive: true });
  console.error(`tuneserve: installing ${tool} into ${folder}; once.`);
  const pip = ["-m", "pip", "install", "--quiet", "--only-binary=:all:"];
  const commands: [string, string[]][] = [
    ["python3", ["-m", "venv", folder]],
    [
      path.join(folder, "bin/python"),
      [...pip, "--require-hashes", "-r", lockFile(tool)],
    ],
  ];
  for (const [command, args] of commands) {
    const { status, error } = spawnSync(command, args, {
      stdio: ["ignore", 2, 2],
    });
    if (status !== 0) {
      rmSync(folder, { recursive: true, force: true });
      throw new CommandError(
        `${tool} could not be installed (${error?.message ?? "the reason stands above"}). It needs Python 3.11 or newer with venv, and PyPI.`,
      );
    }
  }
  return program;
}

function lockFile(tool: Tool): string {
  return path.join(__dirname, `${tool}.txt`);
}
