import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { closest } from "fastest-levenshtein";
import { CommandError } from "./command-line";
import { withoutTokens } from "./terraform";

/** A stack's JSON as Terraform reads it: type, then name, then the block. */
export interface StackJson {
  readonly resource?: Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>
  >;
  readonly provider?: Readonly<
    Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>
  >;
  readonly terraform?: {
    readonly backend?: Readonly<
      Partial<Record<"local" | "gcs", Readonly<Record<string, unknown>>>>
    >;
  };
}

export interface Stack {
  readonly name: string;
  /** Terraform's working directory, absolute. */
  readonly directory: string;
  /** What the synthesis found doubtful. */
  readonly warnings: readonly string[];
}

/**
 * Runs main.ts, as `cdktf synth` does, but without the CLI's six seconds. Its
 * messages go to the terminal as they are. The token is withheld: nothing that
 * is synthesized may depend on it.
 *
 * @throws CommandError when main.ts fails, after it has said why.
 */
export function synthesize(
  root: string,
  env: NodeJS.ProcessEnv,
  environment?: string,
): void {
  if (!existsSync(path.join(root, "main.ts"))) {
    throw new CommandError(
      `There is no main.ts in ${root}. Run this command in the repository's root folder.`,
    );
  }
  const { status, error } = spawnSync(
    process.execPath,
    ["-r", require.resolve("../swc-register.cjs"), "main.ts"],
    {
      cwd: root,
      env: {
        ...withoutTokens(env),
        // Of cdktf: with it, what the synthesis refuses would be deployed.
        CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS: undefined,
        ...(environment ? { TUNESERVE_ENVIRONMENT: environment } : {}),
      },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  if (error || status !== 0) {
    throw new CommandError(
      "Nothing was changed: the stack could not be synthesized.",
    );
  }
}

/**
 * The stack of an environment, from the manifest that the synthesis wrote.
 *
 * @throws CommandError when none was synthesized, none has that name, or there
 * are several and no name was given.
 */
export function chooseStack(root: string, environment?: string): Stack {
  const output = path.join(root, "cdktf.out");
  let manifest: { stacks: Record<string, StackManifest> };
  try {
    manifest = JSON.parse(
      readFileSync(path.join(output, "manifest.json"), "utf8"),
    );
  } catch {
    throw new CommandError(
      `There is no synthesized stack in ${output}. Run npm run deploy first.`,
    );
  }
  const stacks = Object.values(manifest.stacks);
  const names = stacks.map(({ name }) => name);
  const [first] = stacks;
  if (environment === undefined && stacks.length !== 1) {
    throw new CommandError(
      `Choose one of the environments with --environment: ${names.join(", ") || "there is none"}.`,
      2,
    );
  }
  const stack =
    environment === undefined
      ? first
      : stacks.find(({ name }) => name === environment);
  if (!stack) {
    const near =
      names.length > 1
        ? ` Did you mean ${closest(environment ?? "", names)}?`
        : "";
    throw new CommandError(
      `There is no environment '${environment}'.${near} There is: ${names.join(", ")}.`,
      2,
    );
  }
  return {
    name: stack.name,
    directory: path.join(output, stack.workingDirectory),
    warnings: (stack.annotations ?? [])
      .filter(({ level }) => level === "@cdktf/warn")
      .map(({ message }) => message),
  };
}

/** What cdktf writes about a stack. */
interface StackManifest {
  readonly name: string;
  readonly workingDirectory: string;
  readonly annotations?: ReadonlyArray<{ level: string; message: string }>;
}

/** The stack's synthesized JSON. */
export function readStackJson(stack: Stack): StackJson {
  return JSON.parse(
    readFileSync(path.join(stack.directory, "cdk.tf.json"), "utf8"),
  ) as StackJson;
}
