import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cancelBuild } from "../cloud/build/run-build";
import type { Cloud } from "../cloud/cloud";
import { type CloudSettings, DEFAULTS } from "../cloud/cloud-settings";
import { cloudEnvironment } from "../cloud/environment";
import { cancelExecution } from "../cloud/run/execute-job";
import { CloudServer } from "../cloud/server";
import { disagreements, type Expected, type TerraformState } from "./agreement";
import type { Clone, CloneCommand } from "./clone";

/** An empty local cloud whose containers are stubs, and a clone's commands that lead to it. */
export class CloneCloud {
  private environment: Record<string, string>;

  private constructor(
    private readonly clone: Clone,
    private readonly server: CloudServer,
    private readonly stateBucket: string | undefined,
  ) {
    this.environment = cloudEnvironment(server.cloud);
  }

  /**
   * @param folder - for the cloud's objects; emptied first
   * @param stateBucket - bucket of the state. @default a local state
   */
  static async start(
    clone: Clone,
    folder: string,
    stateBucket?: string,
    settings: Partial<CloudSettings> = {},
  ): Promise<CloneCloud> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    clone.forget();
    const server = await CloudServer.start({
      ...DEFAULTS,
      containers: "stub",
      stubSeconds: 2,
      ...settings,
      folder: join(folder, "cloud"),
    });
    const { access, state } = server.cloud;
    if (stateBucket !== undefined) {
      // A person made it, with the API that this takes.
      state.apis["storage.googleapis.com"] = 0;
      state.buckets[stateBucket] = { name: stateBucket, location: "US" };
      access.create(`projects/_/buckets/${stateBucket}`, [
        { role: "roles/storage.admin", members: [`user:${DEFAULTS.user}`] },
      ]);
    }
    return new CloneCloud(clone, server, stateBucket);
  }

  get cloud(): Cloud {
    return this.server.cloud;
  }

  /** Starts one of the project's commands, such as `deploy`. */
  command(name: string, ...args: string[]): CloneCommand {
    const script = `commands/${name}.ts`;
    return this.clone.start(
      [process.execPath, "-r", "./swc-register.cjs", script, ...args],
      this.environment,
    );
  }

  /** The token of the commands so far is refused from now on; later ones have another. */
  expireToken(): void {
    const token = this.environment["GOOGLE_OAUTH_ACCESS_TOKEN"]!;
    delete this.cloud.state.tokens[token];
    this.environment = cloudEnvironment(this.cloud);
  }

  /** Ends all executions, as a person can. */
  async cancelExecutions(): Promise<void> {
    for (const name of this.cloud.containers.active) {
      await cancelExecution(this.cloud, name);
    }
  }

  /** Ends builds, as a person can, once there are so many. */
  async cancelBuilds(count: number): Promise<void> {
    const { builds } = this.cloud.state;
    while (Object.keys(builds).length < count) await sleep(100);
    for (const build of Object.values(builds)) await cancelBuild(build);
  }

  /** All that is not as it must be after a deploy: a plan with changes, and where state and cloud differ. */
  async unsettled(expected: Expected = {}): Promise<string[]> {
    const plan = this.terraform("plan", "-detailed-exitcode", "-no-color");
    const changes = (await plan.ended) !== 0;
    const pulled = this.terraform("state", "pull");
    if ((await pulled.ended) !== 0) {
      return [`the state cannot be read:\n${lastLines(pulled)}`];
    }
    const state = JSON.parse(pulled.output() || "{}") as TerraformState;
    return [
      ...(changes ? [`a plan finds changes:\n${lastLines(plan)}`] : []),
      ...disagreements(this.cloud, state, {
        apart: this.stateBucket === undefined ? [] : [this.stateBucket],
        ...expected,
      }),
    ];
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private terraform(...args: string[]): CloneCommand {
    return this.clone.start(
      ["terraform", `-chdir=${this.clone.stack}`, ...args],
      this.environment,
    );
  }
}

/** The end of what a command printed. */
export function lastLines(command: CloneCommand): string {
  return command.output().trimEnd().split("\n").slice(-25).join("\n");
}
