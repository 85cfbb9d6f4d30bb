import { type GoogleClient, googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { colourFlags, terraformInForeground } from "./foreground";
import { approved, howToDelete, whatGoes } from "./destroy-texts";
import { dropImport, pruneImports, removeImports } from "./import-file";
import { countModels, deleteModels } from "./model-deletion";
import {
  findBucket,
  findModelsBucket,
  type ModelsBucket,
} from "./models-bucket";
import { openStack } from "./open-stack";
import type { Stack, StackJson } from "./synthesis";
import type { Surroundings } from "./surroundings";
import {
  captureTerraform,
  type StateResource,
  stateResources,
  withoutTokens,
} from "./terraform";
import { ENVIRONMENT } from "./settings-options";
import { requireSavedState } from "./unsaved-state";

const OPTIONS = {
  environment: ENVIRONMENT,
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
  const { stack, json } = openStack(root, env, values.environment);
  requireSavedState(stack);
  const declared = findModelsBucket(json);
  // It stays, whether or not it is in the state.
  if (declared) dropImport(stack, declared.address);
  pruneImports(stack, json, []);
  captureTerraform(stack.directory, ["init", "-input=false", "-no-color"], env);
  adoptRecovered(stack, json, env);

  const resources = stateResources(stack.directory, env);
  const going = resources.filter(
    ({ address }) => address !== declared?.address,
  );
  const withModels = values["with-models"] === true;
  if (resources.length === 0 && !withModels) {
    console.log(`Nothing is deployed in environment ${stack.name}.`);
    return 0;
  }
  const bucket = await existingBucket(declared, resources, google).catch(
    (error: unknown) => {
      // Deleting must know for sure; everything else goes without.
      if (withModels) throw error;
      return null;
    },
  );
  const models =
    withModels && bucket ? await countModels(bucket.name, google) : null;
  if (resources.length === 0 && !models) {
    console.log(`Nothing is deployed in environment ${stack.name}.`);
    return 0;
  }

  console.log(whatGoes(going, bucket?.name, models));
  const answer = models && bucket ? bucket.name : "yes";
  if (!values["auto-approve"] && !(await approved(answer))) {
    console.log("Not confirmed. Nothing was changed.");
    return 1;
  }

  if (declared && going.length !== resources.length) {
    captureTerraform(stack.directory, ["state", "rm", declared.address], env);
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
    console.log(
      `Deleted gs://${bucket.name}. Cloud Storage's soft delete may keep its objects restorable, and billed, for 7 days.`,
    );
  } else if (bucket) {
    console.log(howToDelete(bucket.name));
  }
  return 0;
}

/** Takes in what npm run recover found: a destroy reads no import blocks. */
function adoptRecovered(
  stack: Stack,
  json: StackJson,
  env: NodeJS.ProcessEnv,
): void {
  const { directory } = stack;
  if (pruneImports(stack, json, []).length === 0) return;
  const imports = pruneImports(stack, json, stateResources(directory, env));
  removeImports(stack);
  for (const { to, id } of imports) {
    captureTerraform(directory, ["import", "-input=false", to, id], env);
  }
}

/**
 * The bucket under the name that it has, and null where it does not exist: an
 * interrupted destroy has taken it out of the state already, and a failed
 * deployment never made it.
 */
async function existingBucket(
  declared: ModelsBucket | null,
  resources: readonly StateResource[],
  google: GoogleClient,
): Promise<ModelsBucket | null> {
  if (!declared) {
    return null;
  }
  const held = resources.find(({ address }) => address === declared.address);
  if (held) {
    return {
      ...declared,
      name: String(held.attributes["name"] ?? declared.name),
    };
  }
  return (await findBucket(declared, google)) ? declared : null;
}

if (require.main === module) {
  void runAsProcess(destroy);
}
