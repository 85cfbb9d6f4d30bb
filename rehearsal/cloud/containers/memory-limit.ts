import type { LocalProcess } from "../../local-process";
import { processIds, processStatus } from "../../process-status";

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

function groupMebibytes(group: number | undefined): number {
  const pages = processIds()
    .map(processStatus)
    .reduce(
      (sum, status) =>
        sum + (status?.group === group ? (status?.residentPages ?? 0) : 0),
      0,
    );
  return (pages * PAGE_KIB) / 1024;
}
