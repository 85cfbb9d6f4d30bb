import { setTimeout as sleep } from "node:timers/promises";
import type { Cloud } from "../cloud";
import { violatedAtStart } from "../run/quota";
import { StartFailure } from "../run/start-failure";
import type { Json } from "../state";
import { startProcess } from "./container-process";
import { injectedEnding } from "./injected-ending";
import { startStub } from "./stub";
import type { Ending, Workload, WorkloadProps } from "./workload";

/** Everything that runs, by the execution or revision that it belongs to. */
export class Containers {
  private readonly running = new Map<string, Set<Workload>>();

  /** Of all that runs or is about to: what counts against the quotas. */
  private readonly templates = new Set<Json>();

  constructor(private readonly cloud: Cloud) {}

  /** @throws StartFailure where a quota does not let it start, or it cannot */
  async start(props: WorkloadProps): Promise<Workload> {
    // A copy: an attempt that is repeated has the same template.
    const template = { ...props.template };
    const { settings } = this.cloud;
    const over = violatedAtStart(settings, template, [...this.templates]);
    if (over !== undefined) {
      throw new StartFailure(429, over, "COMMON_REASON_UNDEFINED");
    }
    this.templates.add(template);
    try {
      const workload = await this.begun(props);
      const mine = this.running.get(props.name) ?? new Set();
      this.running.set(props.name, mine.add(workload));
      void workload.ended.then(() => {
        mine.delete(workload);
        this.templates.delete(template);
      });
      return workload;
    } catch (error) {
      this.templates.delete(template);
      throw error;
    }
  }

  private async begun(props: WorkloadProps): Promise<Workload> {
    const { containers } = this.cloud.settings;
    const fault = this.cloud.faults.take(
      props.port === undefined ? "training" : "serving",
    );
    if (fault !== undefined) {
      return injectedEnding(this.cloud, props, fault);
    }
    const started =
      containers === "stub"
        ? await startStub(this.cloud, props)
        : await startProcess(this.cloud, props);
    return props.timeoutSeconds === undefined
      ? started
      : limited(started, props.timeoutSeconds);
  }

  /** Ends what belongs to an execution or revision. */
  async stop(name: string): Promise<void> {
    const mine = [...(this.running.get(name) ?? [])];
    await Promise.all(mine.map((workload) => workload.stop()));
  }

  /** Names of all that has something running. */
  get active(): readonly string[] {
    return [...this.running].flatMap(([name, { size }]) =>
      size > 0 ? [name] : [],
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.active.map((name) => this.stop(name)));
  }
}

/** Ends it when its time is over. */
function limited(workload: Workload, seconds: number): Workload {
  const over = new AbortController();
  const timeout = sleep(seconds * 1000, undefined, { signal: over.signal })
    .then(() => workload.stop())
    .then(() => true)
    .catch(() => false);
  const ended = workload.ended.then(async (ending): Promise<Ending> => {
    over.abort();
    return (await timeout) && ending.exitCode !== 0
      ? { ...ending, cause: "timeout" }
      : ending;
  });
  return { ended, stop: () => workload.stop() };
}
