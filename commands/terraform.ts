import { execFileSync } from "node:child_process";
import { CommandError } from "./command-line";

/**
 * Write-only arguments, which keep the Hugging Face token out of the state,
 * came with 1.11.
 */
const MINIMUM = [1, 11] as const;

export interface StateResource {
  /** Address, such as `google_storage_bucket.models`. */
  readonly address: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * The binary, with cdktf's own variable for another one (such as OpenTofu's).
 */
export function terraformBinary(env: NodeJS.ProcessEnv = process.env): string {
  return env["TERRAFORM_BINARY_NAME"] || "terraform";
}

/**
 * The version of the Terraform that the other commands would run.
 *
 * @throws CommandError when it is missing, gives no version, or is older than
 * 1.11.
 */
export function requireTerraform(env: NodeJS.ProcessEnv = process.env): string {
  const binary = terraformBinary(env);
  const remedy =
    "Install Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install";
  let version: string;
  try {
    const output = execFileSync(binary, ["version", "-json"], {
      encoding: "utf8",
      env: withoutTokens(env),
      stdio: ["ignore", "pipe", "ignore"],
    });
    version = String(
      (JSON.parse(output) as { terraform_version?: unknown }).terraform_version,
    );
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CommandError(
      missing
        ? `Terraform is missing: no '${binary}' on the PATH. ${remedy}`
        : `'${binary} version' failed. ${remedy}`,
    );
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (!(major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]))) {
    throw new CommandError(
      `'${binary}' is version ${version}, which is too old. ${remedy}`,
    );
  }
  return version;
}

/**
 * The environment without the Hugging Face token: for every process that has no
 * use for it.
 */
export function withoutTokens(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { HF_TOKEN: _token, TF_VAR_hf_token: _variable, ...rest } = env;
  return rest;
}

/**
 * Terraform's environment: the tutorial's HF_TOKEN becomes the variable of the
 * stack and is itself left out.
 */
export function terraformEnvironment(
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const token = env["TF_VAR_hf_token"] || env["HF_TOKEN"];
  return {
    ...withoutTokens(env),
    ...(token ? { TF_VAR_hf_token: token } : {}),
  };
}

/**
 * What the state of an initialized stack holds; nothing when there is no state
 * yet. `state pull` and not `show`, because it needs neither providers nor the
 * schema.
 *
 * @throws CommandError with Terraform's own words when it cannot be read.
 */
export function stateResources(
  directory: string,
  env: NodeJS.ProcessEnv = process.env,
): StateResource[] {
  return resourcesOf(captureTerraform(directory, ["state", "pull"], env));
}

/** What a state holds, given as Terraform's JSON; nothing where that is empty. */
export function resourcesOf(text: string): StateResource[] {
  const state = JSON.parse(text.trim() || "{}") as {
    resources?: RawResource[];
  };
  return (state.resources ?? [])
    .filter(
      (resource) =>
        resource.mode === "managed" && resource.instances.length > 0,
    )
    .map(({ type, name, instances }) => ({
      address: `${type}.${name}`,
      type,
      attributes: instances[0]?.attributes ?? {},
    }));
}

interface RawResource {
  readonly mode: string;
  readonly type: string;
  readonly name: string;
  readonly instances: ReadonlyArray<{ attributes?: Record<string, unknown> }>;
}

/**
 * Runs Terraform in a stack's directory and returns what it printed.
 *
 * @throws CommandError with what it wrote to stderr when it fails.
 */
export function captureTerraform(
  directory: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): string {
  try {
    return execFileSync(
      terraformBinary(env),
      [`-chdir=${directory}`, ...args],
      {
        encoding: "utf8",
        env: withoutTokens(env),
        maxBuffer: 256 * 1024 * 1024,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "").trim();
    throw new CommandError(
      `terraform ${args.join(" ")} failed in ${directory}.\n${said || (error as Error).message}`,
    );
  }
}
