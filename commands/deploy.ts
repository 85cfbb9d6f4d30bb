import { type GoogleClient, googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { colourFlags, type Ended, terraformInForeground } from "./foreground";
import { failedServices } from "./failed-services";
import {
  addImport,
  dropImport,
  pruneImports,
  removeImports,
} from "./import-file";
import {
  findBucket,
  findModelsBucket,
  type ModelsBucket,
  requireSameLocation,
} from "./models-bucket";
import { openStack } from "./open-stack";
import { ownerOf } from "./recover/existing-resources";
import { refusedCredentials } from "./refused-credentials";
import type { Stack, StackJson } from "./synthesis";
import type { Surroundings } from "./surroundings";
import {
  type StateResource,
  stateResources,
  terraformEnvironment,
} from "./terraform";
import { checkTokenSecret } from "./token-secret";
import { ENVIRONMENT } from "./settings-options";
import { requireSavedState, unsavedStateAdvice } from "./unsaved-state";

const OPTIONS = {
  environment: ENVIRONMENT,
  "auto-approve": {
    type: "boolean",
    text: "do not ask before anything is changed; needed without a terminal",
  },
  "no-color": { type: "boolean", text: "no colours" },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "deploy",
  summary:
    "Synthesizes the stack and applies it with Terraform. The tutorial's HF_TOKEN is handed to Terraform as the ephemeral\n" +
    "variable hf_token. Ctrl-C is safe: Terraform ends in good order, and the same command goes on from there.",
  options: OPTIONS,
};

/**
 * `npm run deploy`: Terraform's exit code, 1 before Terraform runs, 2 for a
 * wrong command line.
 */
export async function deploy(
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
      "There is no terminal to ask on: approve beforehand with npm run deploy -- --auto-approve.",
      2,
    );
  }
  const { stack, json } = openStack(root, env, values.environment);
  for (const warning of stack.warnings) {
    console.error(`Warning: ${warning}`);
  }
  requireSavedState(stack);
  // A crash may have left some, and init reads them too.
  pruneImports(stack, json, []);

  const colour = colourFlags(values["no-color"], env);
  const environment = terraformEnvironment(env);
  const init = await terraformInForeground(
    stack.directory,
    ["init", "-input=false", ...colour],
    environment,
  );
  if (init.code !== 0 || init.interrupted) {
    return closing(init);
  }
  const state = stateResources(stack.directory, env);
  pruneImports(stack, json, state);
  checkTokenSecret(json, state, environment["TF_VAR_hf_token"]);
  const bucket = await adoptModelsBucket(stack, json, state, google);
  try {
    const approval = values["auto-approve"]
      ? ["-input=false", "-auto-approve"]
      : [];
    const apply = await terraformInForeground(
      stack.directory,
      ["apply", ...approval, ...colour],
      environment,
    );
    if (apply.code === 0 && !apply.interrupted) {
      removeImports(stack);
    }
    if (apply.code !== 0 && !apply.interrupted) {
      const { project } = ownerOf(json);
      const refused = await refusedCredentials(project, google);
      const reasons =
        refused === undefined ? await failedServices(json, google) : [refused];
      for (const reason of reasons) console.error(reason);
    }
    const advice = unsavedStateAdvice(stack);
    if (advice !== undefined) console.error(advice);
    return closing(apply);
  } finally {
    // Found anew by the next deploy, if it is there then.
    if (bucket) dropImport(stack, bucket.address);
  }
}

/**
 * An own bucket that is missing from the state comes from an earlier destroy,
 * which leaves the models: creating it again would end with 409.
 *
 * @returns the bucket, where an import of it may stand in the next plan
 */
async function adoptModelsBucket(
  stack: Stack,
  json: StackJson,
  state: readonly StateResource[],
  google: GoogleClient,
): Promise<ModelsBucket | null> {
  const bucket = findModelsBucket(json);
  if (!bucket || state.some(({ address }) => address === bucket.address)) {
    return null;
  }
  dropImport(stack, bucket.address);
  try {
    const existing = await findBucket(bucket, google);
    if (existing) {
      requireSameLocation(bucket, existing);
      addImport(stack, { to: bucket.address, id: bucket.name });
      console.error(
        `gs://${bucket.name} exists already: the stack takes it over with the models in it.`,
      );
    }
  } catch (error) {
    if (error instanceof CommandError) {
      throw error;
    }
    // A new project's APIs are off and its credentials may be Terraform's own
    // affair: let Terraform say what is wrong.
    console.error(
      `Could not find out whether gs://${bucket.name} exists already: ${(error as Error).message}`,
    );
  }
  return bucket;
}

function closing({ code, interrupted }: Ended): number {
  if (interrupted) {
    console.error(
      "Interrupted. It is safe to run npm run deploy again: it goes on from here.",
    );
  } else if (code !== 0) {
    console.error(
      "The deployment is not complete. What was made stays; npm run deploy goes on from there. Where the lines above speak of\n" +
        "a lock on the state, something that exists already, or an answer that got lost (EOF, connection reset, timeout):\n" +
        "npm run recover first. It shows what it would do, and asks.",
    );
  }
  return interrupted && code === 0 ? 130 : code;
}

if (require.main === module) {
  void runAsProcess(deploy);
}
