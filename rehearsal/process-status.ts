import { readdirSync, readFileSync } from "node:fs";

/** What the kernel tells of a process. */
export interface ProcessStatus {
  readonly parent: number;
  readonly group: number;

  /** In ticks since the machine's start: with the process id, unlike any other process. */
  readonly started: number;
  readonly residentPages: number;
}

/** Of all processes of this machine; none where there is no /proc. */
export function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * @returns undefined for one that has ended
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function processStatus(pid: number): ProcessStatus | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name before may hold brackets and spaces itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    parent: Number(fields[1]),
    group: Number(fields[2]),
    started: Number(fields[19]),
    residentPages: Number(fields[21]),
  };
}
