import { join } from "node:path";
import { CommandError } from "../commands/command-line";
import { applyWithChart } from "./apply-with-chart";
import { cloudEnvironment } from "./cloud/environment";
import type { CloudServer } from "./cloud/server";
import { requireNothingLeft } from "./left-over";
import { lineOf } from "./log-line";
import { passGate } from "./plan-gate";
import { expected, say, withProgress } from "./progress";
import type { AskedServer } from "./questions";
import type { TerraformFolder } from "./terraform-folder";
import type { Workspace } from "./workspace";

/** A model that answers in a local cloud. */
export interface ServedVersion extends AskedServer {
  /** Folder that shows the version's files. */
  readonly folder: string;
}

/** A synthesized stack that Terraform applies to a local cloud. */
export class DeployedStack {
  private applies = 0;

  constructor(
    private readonly workspace: Workspace,
    private readonly server: CloudServer,
    private readonly terraform: TerraformFolder,
  ) {}

  /**
   * Plans, and judges the plan.
   *
   * @returns the plan's file
   * @throws CommandError where it does not pass the gate
   */
  async plan(): Promise<string> {
    const file = join(this.workspace.folder, "rehearsal.tfplan");
    const plan = await withProgress(
      "Planning",
      expected(10),
      this.terraform.run("plan", "-input=false", `-out=${file}`),
    );
    if (plan.code !== 0) {
      throw new CommandError(`The plan failed:\n${plan.output}`);
    }
    say(lineOf(plan.output, /^Plan: .*/m));
    const shown = await this.terraform.run("show", "-json", file);
    say(`gate: ${await passGate(shown.output, this.workspace)}`);
    return file;
  }

  /**
   * Applies a plan, or else what is synthesized, and counts the trainings that this starts.
   *
   * @throws CommandError where they are not as many as they must be
   */
  async expectExecutions(
    count: number,
    what: string,
    title: string,
    plan?: string,
  ): Promise<void> {
    const { terraform, workspace } = this;
    const started = () =>
      Object.keys(this.server.cloud.state.executions).length;
    const before = started();
    await applyWithChart({
      ...{ terraform, workspace, title, plan },
      name: `apply-${++this.applies}`,
    });
    const made = started() - before;
    if (made !== count) {
      throw new CommandError(
        `${what} started ${made} executions; it must be ${count}.`,
      );
    }
    say(`${what}: trained ${made} times`);
  }

  /** @throws CommandError where a plan has changes */
  async requireNoChanges(what: string): Promise<void> {
    const { code, output } = await withProgress(
      "Planning again",
      expected(10),
      this.terraform.run("plan", "-input=false", "-detailed-exitcode"),
    );
    if (code !== 0) {
      throw new CommandError(`There must be no changes in ${what}:\n${output}`);
    }
    say(`${what}: no changes`);
  }

  async output(name: string): Promise<string> {
    const { output } = await this.terraform.run("output", "-raw", name);
    return output.trim();
  }

  async served(): Promise<ServedVersion> {
    const { cloud } = this.server;
    const uri = await this.output("model_uri");
    const [, bucket = "", prefix = ""] =
      /^gs:\/\/([^/]+)\/(.+)/.exec(uri) ?? [];
    return {
      url: await this.output("service_url"),
      token: cloudEnvironment(cloud)["GOOGLE_ID_TOKEN"]!,
      folder: join(cloud.objects.bucketFolder(bucket).view, prefix),
    };
  }

  /** Destroys all but what the settings keep. */
  async destroy(): Promise<void> {
    const { output } = await withProgress(
      "Destroying",
      expected(40),
      this.terraform.run("destroy", "-input=false", "-auto-approve"),
    );
    requireNothingLeft(this.server.cloud, output);
    say(
      "destroyed: nothing is left but the models' bucket, as the settings say",
    );
  }
}
