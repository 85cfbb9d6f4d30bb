import type { ApplyLog, ApplyStep } from "./apply-steps";
import { type Dependencies, dependents, withoutIndex } from "./dependencies";
import { type ProvisionerTime, provisionerTimes } from "./provisioner-times";

/** A step, and what it waited for. */
export interface Row extends ApplyStep {
  /** The one that ended last of those that it depends on; an index into the rows. */
  readonly after?: number;

  /** Whether the apply could not have ended earlier without it being quicker. */
  readonly critical: boolean;

  /** Where its provisioner's time went. */
  readonly time?: ProvisionerTime;
}

/** An apply from its first message to its last. */
export interface Timeline {
  readonly began: number;
  readonly ended: number;

  /** By when they began. */
  readonly rows: readonly Row[];

  /** Indexes of the critical ones, first to last. */
  readonly path: readonly number[];
}

/** Clocks of Terraform's messages: a dependency may seem to end that much late. */
const TOLERANCE_MS = 5;

/**
 * @param clocks - what the provisioners' clocks wrote
 */
export function timeline(
  log: ApplyLog,
  dependencies: Dependencies,
  clocks: string,
): Timeline {
  const { steps } = log;
  const before = predecessors(steps, dependencies);
  const path: number[] = [];
  let last: number | undefined = latest(steps, [...steps.keys()]);
  while (last !== undefined) {
    path.unshift(last);
    last = before[last];
  }
  const times = provisionerTimes(steps, clocks);
  return {
    ...log,
    path,
    rows: steps.map((step, index) => {
      const after = before[index];
      const time = times[index];
      return {
        ...step,
        critical: path.includes(index),
        ...(after === undefined ? {} : { after }),
        ...(time === undefined ? {} : { time }),
      };
    }),
  };
}

/** Of each step, the one that it waited for last. */
function predecessors(
  steps: readonly ApplyStep[],
  dependencies: Dependencies,
): (number | undefined)[] {
  const reverse = dependents(dependencies);
  const indexes = new Map<string, number[]>();
  steps.forEach(({ address }, index) => {
    const name = withoutIndex(address);
    indexes.set(name, [...(indexes.get(name) ?? []), index]);
  });
  return steps.map((step, index) => {
    const own = withoutIndex(step.address);
    // What goes waits for what refers to it; a replacement also for what it replaces.
    const graph = step.action === "delete" ? reverse : dependencies;
    const candidates = [
      ...active(own, graph, indexes),
      ...(indexes.get(own) ?? []).filter(
        (other) => steps[other]!.address === step.address,
      ),
    ].filter(
      (other) =>
        other !== index && steps[other]!.ended <= step.began + TOLERANCE_MS,
    );
    return latest(steps, candidates);
  });
}

/** Steps of what a resource depends on, directly or over what had nothing to do. */
function active(
  name: string,
  graph: Dependencies,
  indexes: ReadonlyMap<string, readonly number[]>,
): number[] {
  const found: number[] = [];
  const seen = new Set([name]);
  const queue = [...(graph.get(name) ?? [])];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    found.push(...(indexes.get(next) ?? []));
    queue.push(...(graph.get(next) ?? []));
  }
  return found;
}

function latest(
  steps: readonly ApplyStep[],
  candidates: readonly number[],
): number | undefined {
  return candidates.reduce<number | undefined>(
    (best, each) =>
      best === undefined || steps[each]!.ended > steps[best]!.ended
        ? each
        : best,
    undefined,
  );
}
