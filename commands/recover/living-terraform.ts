import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import path from "node:path";
import { terraformBinary } from "../terraform";
import type { Stack } from "../synthesis";

/**
 * Process ids of Terraform at work on a stack, in this clone or another one on
 * this machine.
 */
export function livingTerraform(
  stack: Stack,
  env: NodeJS.ProcessEnv,
): number[] {
  const folder = path.join("stacks", path.basename(stack.directory));
  const program = path.basename(terraformBinary(env));
  const processes = execFileSync("ps", ["-axww", "-o", "pid=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return processes.split("\n").flatMap((line) => {
    const [pid = "", ...words] = line.trim().split(/\s+/);
    // Second where an interpreter comes first.
    const isTerraform = words
      .slice(0, 2)
      .some((word) => path.basename(word) === program);
    return isTerraform &&
      (words.some(
        (word) => word.startsWith("-chdir=") && word.endsWith(folder),
      ) ||
        workingDirectory(pid).endsWith(folder))
      ? [Number(pid)]
      : [];
  });
}

/** Of `cdktf deploy`, which names no folder; only Linux tells. */
function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
