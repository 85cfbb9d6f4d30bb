import { join } from "node:path";
import { CommandError } from "../commands/command-line";
import { Canary } from "./canary/canary";
import type { Marker } from "./canary/marker";
import { DEFAULTS } from "./cloud/cloud-settings";
import { cloudEnvironment } from "./cloud/environment";
import { CloudServer } from "./cloud/server";
import { applyWithChart } from "./apply-with-chart";
import { lineOf } from "./log-line";
import { expected, say, withProgress } from "./progress";
import { requireNothingLeft } from "./left-over";
import { passGate } from "./plan-gate";
import { putInputs } from "./rehearsal-inputs";
import { synthesize } from "./synthesized-stack";
import { TerraformFolder } from "./terraform-folder";
import type { Workspace } from "./workspace";

/** A context of one environment, as cdktf.json has it. */
type Context = { readonly environments: Record<string, unknown> };

export interface TerraformRehearsalProps {
  readonly workspace: Workspace;

  /** Settings whose base and data lie in the bucket {@link INPUTS}. */
  readonly context: Context;

  /** The same with a changed hyperparameter. */
  readonly changed: Context;

  /** The same with a pin to a run. */
  readonly pinned: (runId: string) => Context;

  /** What lies in {@link INPUTS}, by object name: files. */
  readonly inputs: Readonly<Record<string, string>>;

  /** What must be found nowhere: in place of a token, and in the rows of the dataset. */
  readonly token: Marker;
  readonly dataset: Marker;

  /** Whether containers really run. */
  readonly containers: "processes" | "stub";
}

/** The whole life of a stack with the real Terraform, against a local cloud. */
export class TerraformRehearsal {
  private applies = 0;

  private constructor(
    private readonly props: TerraformRehearsalProps,
    private readonly server: CloudServer,
    private readonly terraform: TerraformFolder,
    private readonly canary: Canary,
  ) {}

  /** @returns undefined, after one line, where Terraform or its providers are not at hand */
  public static async prepare(
    props: TerraformRehearsalProps,
  ): Promise<TerraformRehearsal | undefined> {
    const { workspace, context } = props;
    const server = await CloudServer.start({
      ...DEFAULTS,
      project: "rehearsal",
      iamDelay: 5,
      enableDelay: 3,
      containers: props.containers,
      folder: join(workspace.folder, "cloud"),
    });
    await putInputs(server.cloud, props.inputs);
    const [stack = ""] = Object.keys(context.environments);
    const environment = {
      ...cloudEnvironment(server.cloud),
      TF_VAR_hf_token: props.token.text,
    };
    const terraform = new TerraformFolder(workspace, stack, environment);
    await synthesize(context, workspace);
    const init = await terraform.run("init", "-input=false").catch(() => null);
    if (init?.code !== 0) {
      console.error(
        "  Terraform 1.11 with google 6.50.0 and null 3.2.4 is not at hand: the rehearsal goes on without it.",
      );
      await server.close();
      return undefined;
    }
    const canary = new Canary(
      [props.token, props.dataset],
      workspace.folder,
      server,
    );
    return new TerraformRehearsal(props, server, terraform, canary);
  }

  /** Plan, gate, apply, no changes, another hyperparameter, back to the first run, destroy. */
  public async wholeLife(): Promise<void> {
    try {
      await this.live();
    } finally {
      // A cloud that goes on would keep this process from ending, and its caller from hearing of a failure.
      await this.server.close();
    }
  }

  private async live(): Promise<void> {
    const { workspace, changed, pinned } = this.props;
    const file = join(workspace.folder, "rehearsal.tfplan");
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
    say(`gate: ${await passGate(shown.output, workspace)}`);
    await this.expectExecutions(1, "the first apply", "Applying", file);
    const runId = await this.output("run_id");
    await this.requireNoChanges("a second plan");
    this.canary.search();

    await synthesize(changed, workspace);
    await this.expectExecutions(1, "a changed hyperparameter", "Retraining");
    if ((await this.output("run_id")) === runId) {
      throw new CommandError("It did not change the run id.");
    }
    await synthesize(pinned(runId), workspace);
    await this.expectExecutions(0, `a pin to run ${runId}`, "Rolling back");
    await this.requireNoChanges("a plan after that");
    this.canary.search();
    await this.destroy();
    say(this.canary.finish());
  }

  private async output(name: string): Promise<string> {
    const { output } = await this.terraform.run("output", "-raw", name);
    return output.trim();
  }

  private async requireNoChanges(what: string): Promise<void> {
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

  /** Applies a plan, or else what is synthesized, and counts the trainings that this starts. */
  private async expectExecutions(
    count: number,
    what: string,
    title: string,
    plan?: string,
  ): Promise<void> {
    const { terraform, props } = this;
    const started = () =>
      Object.keys(this.server.cloud.state.executions).length;
    const before = started();
    await applyWithChart({
      ...{ terraform, title, plan },
      workspace: props.workspace,
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

  /** Destroys all but what the settings keep. */
  private async destroy(): Promise<void> {
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
