import { setTimeout as sleep } from "node:timers/promises";
import { CloneCloud, lastLines } from "./clone-cloud";
import type { Clone, CloneCommand } from "./clone";
import { killAll, processTree, type RunningProcess } from "./process-tree";

/** How a deploy is interrupted. */
export type Interruption =
  /** As Ctrl-C does. */
  | "SIGINT"
  /** The deploy, Terraform and all that they started die at once, as with the machine. */
  | "SIGKILL"
  /** The deploy and Terraform die; the provider and the provisioners live on. */
  | "SIGKILL of Terraform";

export interface PointProps {
  readonly clone: Clone;

  /** For the cloud's objects. */
  readonly folder: string;

  /** @default no interruption */
  readonly interruption?: Interruption;

  /** Seconds after the start at which it comes. */
  readonly after: number;

  /** Bucket of the state. @default a local state */
  readonly stateBucket?: string;
}

/** What came of it. */
export interface PointResult {
  /** Seconds that the first deploy took, or had. */
  readonly seconds: number;

  /** The last resource that Terraform had begun when it was interrupted. */
  readonly at: string;

  /** What recover printed, if it was used. */
  readonly recovered?: string;

  /** Everything that is not as it must be. */
  readonly problems: readonly string[];
}

/** Deploys into an empty cloud, interrupts that, recovers if need be, and deploys again. */
export async function runPoint(props: PointProps): Promise<PointResult> {
  const { clone, interruption, after, stateBucket } = props;
  const cloud = await CloneCloud.start(clone, props.folder, stateBucket);
  const problems: string[] = [];
  let survivors: RunningProcess[] = [];
  let recovered: string | undefined;
  const began = Date.now();
  try {
    const first = cloud.command("deploy", "--auto-approve");
    const inTime =
      interruption !== undefined &&
      (await Promise.race([
        first.ended.then(() => false),
        sleep(after * 1000, true),
      ]));
    const at = lastBegun(first);
    if (inTime) survivors = interrupt(first, interruption);
    const code = await first.ended;
    const seconds = (Date.now() - began) / 1000;
    if (!inTime && code !== 0) {
      problems.push(
        `the first deploy ended with ${code}:\n${lastLines(first)}`,
      );
    }
    if (inTime) {
      if (interruption !== "SIGINT") {
        const recover = cloud.command("recover", "--yes");
        if ((await recover.ended) !== 0) {
          problems.push(`recover failed:\n${lastLines(recover)}`);
        }
        recovered = recover.output();
      }
      const second = cloud.command("deploy", "--auto-approve");
      if ((await second.ended) !== 0) {
        problems.push(`the next deploy failed:\n${lastLines(second)}`);
      }
    }
    problems.push(...(await cloud.unsettled()));
    return {
      seconds,
      at,
      problems,
      ...(recovered === undefined ? {} : { recovered }),
    };
  } finally {
    killAll(survivors);
    await cloud.close();
  }
}

/** @returns what goes on living */
function interrupt(
  { pid }: CloneCommand,
  interruption: Interruption,
): RunningProcess[] {
  if (interruption === "SIGINT") {
    process.kill(-pid, "SIGINT");
    return [];
  }
  const all = processTree(pid);
  const survivors =
    interruption === "SIGKILL"
      ? []
      : all.filter(({ command }) =>
          /terraform-provider-|provision\//.test(command),
        );
  killAll(all.filter((each) => !survivors.includes(each)));
  return survivors;
}

function lastBegun(command: CloneCommand): string {
  const lines = [
    ...command.output().matchAll(/^(\S+): (Creating|Still|Creation)/gm),
  ];
  return lines.at(-1)?.[1] ?? "before the first resource";
}
