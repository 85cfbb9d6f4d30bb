import { join } from "node:path";
import { CommandError } from "../commands/command-line";
import { Canary } from "./canary/canary";
import {
  datasetMarker,
  markRows,
  tokenMarker,
} from "./canary/rehearsal-markers";
import { DEFAULTS } from "./cloud/cloud-settings";
import { cloudEnvironment } from "./cloud/environment";
import { CloudServer } from "./cloud/server";
import { jobContainer } from "./container";
import { DeployedStack } from "./deployed-stack";
import { judgeServer } from "./judge-server";
import { type Preparation, untrainedAnswers } from "./preparation";
import { expected, say, withProgress } from "./progress";
import { filesBelow, putInputs } from "./rehearsal-inputs";
import { synthesize } from "./synthesized-stack";
import { TerraformFolder } from "./terraform-folder";
import { terraformSettings } from "./terraform-settings";

/**
 * The whole life of a stack with the real Terraform, against a local cloud: plan, gate, apply,
 * questions to the served model, no changes, another hyperparameter, back to the first run, destroy.
 *
 * @param containers - whether they really run; stubs answer no questions
 * @returns false, after one line, where Terraform or its providers are not at hand
 */
export async function rehearseTerraform(
  preparation: Preparation,
  containers: "processes" | "stub",
): Promise<boolean> {
  const { seed, workspace, base, data } = preparation;
  const { context, changed, pinned } = terraformSettings(seed);
  const server = await CloudServer.start({
    ...DEFAULTS,
    project: "rehearsal",
    iamDelay: 5,
    enableDelay: 3,
    containers,
    folder: join(workspace.folder, "cloud"),
  });
  try {
    const token = tokenMarker();
    const terraform = new TerraformFolder(
      workspace,
      Object.keys(context.environments)[0]!,
      { ...cloudEnvironment(server.cloud), TF_VAR_hf_token: token.text },
    );
    const job = jobContainer(await synthesize(context, workspace));
    if (!(await found(terraform))) {
      return false;
    }
    const dataset = datasetMarker(seed);
    const marked = join(data, "marked.jsonl");
    markRows(join(data, "train.jsonl"), marked, dataset);
    await putInputs(server.cloud, {
      ...filesBelow("base/smollm2-135m-instruct", base),
      [`data/seed-${seed}/train.jsonl`]: marked,
    });
    const canary = new Canary([token, dataset], workspace.folder, server);
    const stack = new DeployedStack(workspace, server, terraform);

    const plan = await stack.plan();
    await stack.expectExecutions(1, "the first apply", "Applying", plan);
    if (containers === "processes") {
      const served = await stack.served();
      const before = await untrainedAnswers(
        preparation,
        job.environment.PROMPT_TEMPLATE!,
      );
      await judgeServer(preparation, before, served);
      console.log(
        `The trainer's own report, with its curves: ${join(served.folder, "report.html")}\n`,
      );
    }
    const runId = await stack.output("run_id");
    await stack.requireNoChanges("a second plan");
    canary.search();

    await synthesize(changed, workspace);
    await stack.expectExecutions(1, "a changed hyperparameter", "Retraining");
    if ((await stack.output("run_id")) === runId) {
      throw new CommandError("It did not change the run id.");
    }
    await synthesize(pinned(runId), workspace);
    await stack.expectExecutions(0, `a pin to run ${runId}`, "Rolling back");
    await stack.requireNoChanges("a plan after that");
    canary.search();
    await stack.destroy();
    say(canary.finish());
    return true;
  } finally {
    // A cloud that goes on would keep this process from ending, and its caller from hearing of a failure.
    await server.close();
  }
}

/** Whether Terraform and its providers are at hand; says so in a line where they are not. */
async function found(terraform: TerraformFolder): Promise<boolean> {
  const init = await withProgress(
    "Looking for Terraform",
    expected(20),
    terraform.run("init", "-input=false").catch(() => null),
  );
  if (init?.code !== 0) {
    say(
      "Terraform 1.11 with google 6.50.0 and null 3.2.4 is not at hand (.rehearsal/terraform-1-init.log): the rehearsal goes on without it.",
    );
  }
  return init?.code === 0;
}
