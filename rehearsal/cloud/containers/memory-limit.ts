import type { LocalProcess } from "../../local-process";
import { processIds, processStatus } from "../../process-status";
import { memoryMebibytes } from "../run/resource-rules";
import type { Json } from "../state";

const EVERY_MS = 2000;
const PAGE_KIB = 4;

/** A watch over how much memory a process group holds. */
export interface MemoryWatch {
  readonly exceeded: boolean;
  end(): void;
}

/** What Cloud Run logs of a container that held more than its limit. */
export function memoryExceeded(
  limitMebibytes: number,
  mebibytes: number,
): string {
  return `Memory limit of ${limitMebibytes} MiB exceeded with ${mebibytes} MiB used. Consider increasing the memory limit, see https://cloud.google.com/run/docs/configuring/memory-limits`;
}

/** A container's limit. */
export function memoryLimit(container: Json): number {
  return memoryMebibytes(container["resources"]?.limits?.memory ?? "512Mi");
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
