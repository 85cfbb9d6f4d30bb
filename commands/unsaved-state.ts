import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CommandError } from "./command-line";
import type { Stack } from "./synthesis";
import { captureTerraform, resourcesOf, type StateResource } from "./terraform";

/** A state that Terraform could not save where it lies: its bucket was full, or out of reach. */
export interface UnsavedState {
  readonly file: string;
  readonly resources: readonly StateResource[];

  /** Whether the saved one has moved on meanwhile, so that nothing of it is needed. */
  readonly outdated: boolean;
}

/** Where Terraform puts it. @see https://developer.hashicorp.com/terraform/cli/commands/apply */
const fileOf = ({ directory }: Stack) =>
  path.join(directory, "errored.tfstate");

/** What to do about one; undefined where there is none. */
export function unsavedStateAdvice(stack: Stack): string | undefined {
  const file = fileOf(stack);
  return existsSync(file)
    ? `Terraform could not save its state, and left it in ${file}. Mend what kept it from that, such as a full bucket, then npm run recover: it saves the state, and npm run deploy goes on from there.`
    : undefined;
}

/**
 * For a command that would go on from the older state that is saved, and make or leave behind what the
 * newer one has.
 *
 * @throws CommandError where there is one
 */
export function requireSavedState(stack: Stack): void {
  const advice = unsavedStateAdvice(stack);
  if (advice !== undefined) {
    throw new CommandError(`${advice} Nothing was changed.`);
  }
}

/**
 * @param saved - the state as it is saved, in Terraform's JSON; empty where there is none
 * @returns undefined where all was saved
 */
export function unsavedState(
  stack: Stack,
  saved: string,
): UnsavedState | undefined {
  const file = fileOf(stack);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const unsaved = JSON.parse(text) as Numbered;
  const present = JSON.parse(saved.trim() || "{}") as Partial<Numbered>;
  return {
    file,
    resources: resourcesOf(text),
    outdated:
      present.serial !== undefined &&
      (present.lineage !== unsaved.lineage || present.serial >= unsaved.serial),
  };
}

/** How Terraform tells a state's versions apart. */
interface Numbered {
  readonly lineage: string;
  readonly serial: number;
}

/**
 * Saves it, unless it is outdated, and takes the file away.
 *
 * @throws CommandError when it still cannot be saved
 */
export function saveState(
  { file, outdated }: UnsavedState,
  stack: Stack,
  env: NodeJS.ProcessEnv,
): void {
  if (!outdated) {
    try {
      captureTerraform(stack.directory, ["state", "push", file], env);
    } catch (error) {
      throw new CommandError(
        `${(error as Error).message}\nThe state stays in ${file}. Mend that, and run npm run recover again.`,
      );
    }
  }
  rmSync(file);
}
