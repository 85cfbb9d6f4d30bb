import { execFileSync } from "node:child_process";

/** A process on this machine. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All that a process started, directly or not, itself first. */
export function processTree(root: number): RunningProcess[] {
  const all = execFileSync("ps", ["-axww", "-o", "pid=,ppid=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  })
    .split("\n")
    .flatMap((line): RunningProcess[] => {
      const [, pid, parent, command] =
        /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined
        ? []
        : [{ pid: Number(pid), parent: Number(parent), command }];
    });
  const below = (parent: number): RunningProcess[] =>
    all
      .filter((process) => process.parent === parent)
      .flatMap((process) => [process, ...below(process.pid)]);
  return [...all.filter(({ pid }) => pid === root), ...below(root)];
}

/** Ends them at once; no error for one that is gone. */
export function killAll(processes: readonly RunningProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ESRCH: it has ended already.
    }
  }
}
