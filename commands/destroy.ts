import { createInterface } from "node:readline/promises";
import { googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { colourFlags, terraformInForeground } from "./foreground";
import { countModels, deleteModels, type ModelCount } from "./model-deletion";
import {
  findBucket,
  findModelsBucket,
  type ModelsBucket,
  removeImport,
} from "./models-bucket";
import { chooseStack, readStackJson, synthesize } from "./synthesis";
import type { Surroundings } from "./surroundings";
import {
  captureTerraform,
  requireTerraform,
  type StateResource,
  stateResources,
  withoutTokens,
} from "./terraform";

const OPTIONS = {
  environment: {
    type: "string",
    value: "NAME",
    text: "which of several environments",
  },
  "with-models": {
    type: "boolean",
    text: "delete the bucket and every trained model in it, too",
  },
  "auto-approve": {
    type: "boolean",
    text: "do not ask; needed without a terminal",
  },
  "no-color": { type: "boolean", text: "no colours" },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "destroy",
  summary:
    "Deletes what npm run deploy made, except the bucket with the trained models.",
  options: OPTIONS,
};

/**
 * `npm run destroy`: Terraform's exit code, 1 when it was not approved, 2 for a
 * wrong command line.
 *
 * The order makes it safe to interrupt anywhere: the bucket leaves the state
 * first, so that nothing later can delete it, and the models, if they go, go
 * last. A second run finds what is left.
 */
export async function destroy(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    google = googleClient(env),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (!line) {
    return 0;
  }
  const { values } = line;
  if (!values["auto-approve"] && process.stdin.isTTY !== true) {
    throw new CommandError(
      "There is no terminal to ask on: approve beforehand with npm run destroy -- --auto-approve.",
      2,
    );
  }
  requireTerraform(env);
  synthesize(root, env, values.environment);
  const stack = chooseStack(root, values.environment);
  removeImport(stack);
  captureTerraform(stack.directory, ["init", "-input=false", "-no-color"], env);

  const bucket = findModelsBucket(readStackJson(stack));
  const resources = stateResources(stack.directory, env);
  const going = resources.filter(({ address }) => address !== bucket?.address);
  let models: ModelCount | null = null;
  if (values["with-models"] && bucket && (await findBucket(bucket, google))) {
    models = await countModels(bucket.name, google);
  }
  if (resources.length === 0 && !models) {
    console.log(`Nothing is deployed in environment ${stack.name}.`);
    return 0;
  }

  console.log(whatGoes(going));
  console.log(whatStays(bucket, models));
  if (
    !values["auto-approve"] &&
    !(await approved(models && bucket ? bucket.name : "yes"))
  ) {
    console.log("Not confirmed. Nothing was changed.");
    return 1;
  }

  if (bucket && going.length !== resources.length) {
    captureTerraform(stack.directory, ["state", "rm", bucket.address], env);
  }
  if (going.length > 0) {
    const flags = [
      "-auto-approve",
      "-input=false",
      ...colourFlags(values["no-color"], env),
    ];
    const ended = await terraformInForeground(
      stack.directory,
      ["destroy", ...flags],
      withoutTokens(env),
    );
    if (ended.code !== 0 || ended.interrupted) {
      console.error(
        "Not everything is deleted. It is safe to run npm run destroy again: it goes on from here.",
      );
      return ended.code || 130;
    }
  }
  if (bucket && models) {
    await deleteModels(bucket.name, google, (text) => console.log(text));
    console.log(`Deleted gs://${bucket.name}.`);
  } else if (bucket) {
    console.log(howToDelete(bucket));
  }
  return 0;
}

function whatGoes(resources: readonly StateResource[]): string {
  const counts = new Map<string, number>();
  for (const { type } of resources) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const kinds = [...counts]
    .map(([type, count]) => `  ${String(count).padStart(3)}  ${type}`)
    .sort();
  return resources.length === 0
    ? "Goes:  nothing is left of the stack itself."
    : [`Goes:  ${resources.length} resources`, ...kinds].join("\n");
}

function whatStays(
  bucket: ModelsBucket | null,
  models: ModelCount | null,
): string {
  if (!bucket) {
    return "Stays: nothing.";
  }
  if (!models) {
    return `Stays: the bucket gs://${bucket.name} with the trained models (also its APIs stay enabled).`;
  }
  const gigabytes = (models.bytes / 1e9).toFixed(1);
  return [
    `Goes:  the bucket gs://${bucket.name} with ${models.objects} objects, ${gigabytes} GB, older versions included.`,
    `       Trained models that are lost for good: ${models.versions.join(", ") || "none"}`,
  ].join("\n");
}

async function approved(answer: string): Promise<boolean> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
  });
  try {
    return (
      (await terminal.question(`Type '${answer}' to go on: `)).trim() === answer
    );
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}

function howToDelete({ name }: ModelsBucket): string {
  return [
    `gs://${name} stays, with the models in it, and costs what its storage costs. The next npm run deploy finds it and its`,
    "models again and does not train what is there. To delete it: npm run destroy -- --with-models, or",
    `  gcloud storage rm --recursive gs://${name}`,
  ].join("\n");
}

if (require.main === module) {
  void runAsProcess(destroy);
}
