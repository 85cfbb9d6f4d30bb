import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULTS } from "../cloud/cloud-settings";
import { cloudEnvironment } from "../cloud/environment";
import { CloudServer } from "../cloud/server";
import { disagreements, type TerraformState } from "./agreement";
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
  rmSync(props.folder, { recursive: true, force: true });
  mkdirSync(props.folder, { recursive: true });
  const server = await CloudServer.start({
    ...DEFAULTS,
    containers: "stub",
    stubSeconds: 2,
    folder: join(props.folder, "cloud"),
  });
  const { cloud } = server;
  const environment = cloudEnvironment(cloud);
  if (stateBucket !== undefined) {
    // A person made it, with the API that this takes.
    cloud.state.apis["storage.googleapis.com"] = 0;
    cloud.state.buckets[stateBucket] = { name: stateBucket, location: "US" };
    cloud.access.create(`projects/_/buckets/${stateBucket}`, [
      { role: "roles/storage.admin", members: [`user:${DEFAULTS.user}`] },
    ]);
  }
  clone.forget();
  const command = (name: string, ...args: string[]) =>
    clone.start(
      [
        process.execPath,
        "-r",
        "@swc-node/register",
        `commands/${name}.ts`,
        ...args,
      ],
      environment,
    );
  const problems: string[] = [];
  let survivors: RunningProcess[] = [];
  let recovered: string | undefined;
  const began = Date.now();
  try {
    const first = command("deploy", "--auto-approve");
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
      problems.push(`the first deploy ended with ${code}:\n${tail(first)}`);
    }
    if (inTime) {
      if (interruption !== "SIGINT") {
        const recover = command("recover", "--yes");
        if ((await recover.ended) !== 0) {
          problems.push(`recover failed:\n${tail(recover)}`);
        }
        recovered = recover.output();
      }
      const second = command("deploy", "--auto-approve");
      if ((await second.ended) !== 0) {
        problems.push(`the next deploy failed:\n${tail(second)}`);
      }
    }
    const terraform = (...args: string[]) =>
      clone.start(["terraform", `-chdir=${clone.stack}`, ...args], environment);
    const plan = terraform("plan", "-detailed-exitcode", "-no-color");
    if ((await plan.ended) !== 0) {
      problems.push(`a plan finds changes:\n${tail(plan)}`);
    }
    const pulled = terraform("state", "pull");
    await pulled.ended;
    const state = JSON.parse(pulled.output()) as TerraformState;
    problems.push(
      ...disagreements(cloud, state, stateBucket ? [stateBucket] : []),
    );
    return {
      seconds,
      at,
      problems,
      ...(recovered === undefined ? {} : { recovered }),
    };
  } finally {
    killAll(survivors);
    await server.close();
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

function tail(command: CloneCommand): string {
  return command.output().trimEnd().split("\n").slice(-25).join("\n");
}
