import { type GoogleClient, googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { colourFlags, type Ended, terraformInForeground } from "./foreground";
import {
  findBucket,
  findModelsBucket,
  removeImport,
  requireSameLocation,
  writeImport,
} from "./models-bucket";
import { pruneImports, removeImports } from "./recover/import-file";
import {
  chooseStack,
  readStackJson,
  type Stack,
  type StackJson,
  synthesize,
} from "./synthesis";
import type { Surroundings } from "./surroundings";
import {
  requireTerraform,
  type StateResource,
  stateResources,
  terraformEnvironment,
} from "./terraform";
import { checkTokenSecret } from "./token-secret";

const OPTIONS = {
  environment: {
    type: "string",
    value: "NAME",
    text: "which of several environments",
  },
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
  requireTerraform(env);
  synthesize(root, env, values.environment);
  const stack = chooseStack(root, values.environment);
  for (const warning of stack.warnings) {
    console.error(`Warning: ${warning}`);
  }
  // A crash may have left one, and init reads it too.
  removeImport(stack);
  const json = readStackJson(stack);
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
  await adoptModelsBucket(stack, json, state, google);
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
    return closing(apply);
  } finally {
    removeImport(stack);
  }
}

/**
 * An own bucket that is missing from the state comes from an earlier destroy,
 * which leaves the models.
 */
async function adoptModelsBucket(
  stack: Stack,
  json: StackJson,
  state: readonly StateResource[],
  google: GoogleClient,
): Promise<void> {
  const bucket = findModelsBucket(json);
  if (!bucket || state.some(({ address }) => address === bucket.address)) {
    return;
  }
  try {
    const existing = await findBucket(bucket, google);
    if (existing) {
      requireSameLocation(bucket, existing);
      writeImport(stack, bucket);
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
}

function closing({ code, interrupted }: Ended): number {
  if (interrupted) {
    console.error(
      "Interrupted. It is safe to run npm run deploy again: it goes on from here.",
    );
  } else if (code !== 0) {
    console.error(
      "The deployment is not complete. What was made stays; npm run deploy goes on from there. If one was killed before\n" +
        "(a lock on the state, something that exists already): npm run recover first.",
    );
  }
  return interrupted && code === 0 ? 130 : code;
}

if (require.main === module) {
  void runAsProcess(deploy);
}
