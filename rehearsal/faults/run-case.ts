import { setTimeout as sleep } from "node:timers/promises";
import { parseFault } from "../cloud/faults";
import { parsePhaseFault } from "../cloud/phase-faults";
import type { Clone, CloneCommand } from "../interruptions/clone";
import { CloneCloud, lastLines } from "../interruptions/clone-cloud";
import type { Deed, FaultCase } from "./fault-case";
import { problemsOf, unnamedRecovery } from "./problems-of";

/** Changes the job and the service, and no run id. */
const UPDATE = {
  training: { timeoutSeconds: 3000 },
  serving: { maxInstances: 2 },
};

/** What came of a case. */
export interface CaseResult {
  /** Seconds of the deploy that met the faults. */
  readonly seconds: number;

  /** What it printed. */
  readonly output: string;

  /** Everything that is not as it must be. */
  readonly problems: readonly string[];
}

/** Deploys into an empty cloud in which something goes wrong, then once more as a user would, and compares. */
export async function runCase(
  each: FaultCase,
  clone: Clone,
  folder: string,
): Promise<CaseResult> {
  const { stateBucket: bucket } = each;
  const cloud = await CloneCloud.start(clone, folder, bucket);
  const { faults } = cloud.cloud;
  const problems: string[] = [];
  try {
    clone.configure(each.model, {
      ...each.environment,
      ...(bucket === undefined ? {} : { state: { bucket } }),
    });
    if (each.override) clone.override(each.override);
    each.prepare?.(cloud);
    if (each.update) {
      await cloud.command("deploy", "--auto-approve").ended;
      clone.configure(UPDATE);
    }
    for (const text of each.faults) {
      faults.add(parsePhaseFault(text) ?? parseFault(text)!);
    }
    const began = Date.now();
    const first = cloud.command("deploy", "--auto-approve");
    await meanwhile(each.once, cloud, first);
    const code = await first.ended;
    const seconds = (Date.now() - began) / 1000;
    const output = first.output();
    problems.push(...problemsOf(each, code, output, faults.waiting));
    // Some stand in for what lasts until somebody has mended it.
    faults.clear();
    each.then?.(clone);
    if (each.impatient) {
      const again = cloud.command("deploy", "--auto-approve");
      await again.ended;
      problems.push(...unnamedRecovery(again.output()));
    }
    if (each.ends === "to recover") {
      const recover = cloud.command("recover", "--yes");
      if ((await recover.ended) !== 0) {
        problems.push(`recover failed:\n${lastLines(recover)}`);
      }
    }
    if (each.ends !== "well") {
      const second = cloud.command("deploy", "--auto-approve");
      if ((await second.ended) !== 0) {
        problems.push(`the next deploy failed:\n${lastLines(second)}`);
      }
    }
    const { failedExecutions = 0 } = each;
    problems.push(...(await cloud.unsettled({ failedExecutions })));
    return { seconds, output, problems };
  } finally {
    await cloud.close();
  }
}

/** Acts once the deploy has printed what the case waits for. */
async function meanwhile(
  deed: Deed | undefined,
  cloud: CloneCloud,
  deploy: CloneCommand,
): Promise<void> {
  if (deed === undefined) return;
  let ended = false;
  void deploy.ended.then(() => (ended = true));
  while (!ended && !deed.printed.test(deploy.output())) await sleep(100);
  await deed.act(cloud, deploy);
}
