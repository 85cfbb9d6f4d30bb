import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import type { Stack } from "../synthesis";
import { terraformBinary } from "../terraform";
import type { Backend } from "./backend";

/**
 * Process ids of Terraform at work on a stack's state on this machine: in this
 * clone, or in another one whose state lies in the same place.
 */
export function livingTerraform(
  stack: Stack,
  backend: Backend,
  env: NodeJS.ProcessEnv,
): number[] {
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
    if (!isTerraform) return [];
    const folder =
      words
        .find((word) => word.startsWith("-chdir="))
        ?.slice("-chdir=".length) ?? workingDirectory(pid);
    return folder === stack.directory || hasBackend(folder, backend)
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

/** Whether a folder was initialized with this state in Cloud Storage. */
function hasBackend(folder: string, backend: Backend): boolean {
  if (backend.kind === "local") return false;
  try {
    const { config } = JSON.parse(
      readFileSync(path.join(folder, ".terraform/terraform.tfstate"), "utf8"),
    ).backend;
    return (
      config.bucket === backend.bucket &&
      `${config.prefix}/default.tflock` === backend.lockObject
    );
  } catch {
    return false;
  }
}
