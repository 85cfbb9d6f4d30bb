import { constants } from "node:os";
import type { Cloud } from "../cloud";
import { exitCode, type PhaseFaultKind } from "../phase-faults";
import { StartFailure } from "../run/start-failure";
import { memoryExceeded, memoryLimit } from "./memory-limit";
import type { Ending, Workload, WorkloadProps } from "./workload";

/**
 * In place of a container that is to go wrong.
 *
 * @throws StartFailure for one that is not even to start
 */
export function injectedEnding(
  cloud: Cloud,
  { template, log }: WorkloadProps,
  kind: PhaseFaultKind,
): Workload {
  const { region } = cloud.settings;
  cloud.logs.line(log, `INJECTED: --fault ${kind}`, "WARNING");
  const accelerator = template["nodeSelector"]?.accelerator ?? "no GPU";
  const limit = memoryLimit(template["containers"][0]);
  const { SIGKILL, SIGTERM } = constants.signals;
  switch (kind) {
    case "quota":
      throw new StartFailure(
        429,
        "Quota violated: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion requested: 1 allowed: 0",
        "COMMON_REASON_UNDEFINED",
      );
    case "capacity":
      throw new StartFailure(
        503,
        `Insufficient capacity for ${accelerator} in ${region}.`,
        "COMMON_REASON_UNDEFINED",
      );
    case "memory":
      cloud.logs.line(log, memoryExceeded(limit, limit + 7), "ERROR");
      return over({
        exitCode: 128 + SIGKILL,
        signal: SIGKILL,
        cause: "memory",
      });
    case "timeout":
      return over({
        exitCode: 128 + SIGTERM,
        signal: SIGTERM,
        cause: "timeout",
      });
    case "endless": {
      let end: (ending: Ending) => void = () => undefined;
      const ended = new Promise<Ending>((resolve) => {
        end = resolve;
      });
      return {
        ended,
        stop: async () => end({ exitCode: 128 + SIGTERM, signal: SIGTERM }),
      };
    }
    default:
      return over({ exitCode: exitCode(kind)! });
  }
}

function over(ending: Ending): Workload {
  return { ended: Promise.resolve(ending), stop: async () => undefined };
}
