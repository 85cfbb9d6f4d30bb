import { readdirSync, readFileSync } from "node:fs";
import type { LocalProcess } from "../../local-process";

const EVERY_MS = 2000;
const PAGE_KIB = 4;

/** A watch over how much memory a process group holds. */
export interface MemoryWatch {
  readonly exceeded: boolean;
  end(): void;
}

/** Kills what holds more than its limit, as Cloud Run does. Without /proc nothing is watched. */
export function watchMemory(
  work: LocalProcess,
  limitMebibytes: number,
  onExceeded: (mebibytes: number) => void,
): MemoryWatch {
  let exceeded = false;
  const timer = setInterval(() => {
    const used = groupMebibytes(work.pid);
    if (!exceeded && used > limitMebibytes) {
      exceeded = true;
      onExceeded(Math.round(used));
      work.signal("SIGKILL");
    }
  }, EVERY_MS);
  timer.unref();
  return {
    get exceeded() {
      return exceeded;
    },
    end: () => clearInterval(timer),
  };
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function groupMebibytes(group: number | undefined): number {
  let pages = 0;
  try {
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      pages += groupPages(pid, group);
    }
  } catch {
    return 0;
  }
  return (pages * PAGE_KIB) / 1024;
}

function groupPages(pid: string, group: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold brackets and spaces itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[2]) === group ? Number(fields[21]) : 0;
  } catch {
    return 0;
  }
}
