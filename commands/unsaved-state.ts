import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { CommandError } from "./command-line";
import type { Stack } from "./synthesis";
import { captureTerraform, resourcesOf, type StateResource } from "./terraform";

/** A state that Terraform could not save where it lies: its bucket was full, or out of reach. */
export interface UnsavedState {
  readonly file: string;
  readonly resources: readonly StateResource[];

  /** Whether the saved one has moved on meanwhile, or is of another beginning: it must not be put over that. */
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
 * @throws CommandError when the file is no state
 */
export function unsavedState(
  stack: Stack,
  saved: string,
): UnsavedState | undefined {
  const file = fileOf(stack);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const unsaved = numbered(text);
  if (unsaved === undefined) {
    throw new CommandError(
      `${file} is no state in Terraform's JSON, perhaps because the disk was full, too. Move it elsewhere, then npm run recover: it finds what exists by its name.`,
    );
  }
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

function numbered(text: string): Numbered | undefined {
  try {
    const { lineage, serial } = JSON.parse(text) as Numbered;
    return typeof serial === "number" ? { lineage, serial } : undefined;
  } catch {
    return undefined;
  }
}

/** Where an outdated one goes: nothing is lost. */
export const setAside = ({ file }: UnsavedState) => `${file}.outdated`;

/**
 * Saves it, or sets it aside if it is outdated.
 *
 * @throws CommandError when it still cannot be saved
 */
export function saveState(
  unsaved: UnsavedState,
  stack: Stack,
  env: NodeJS.ProcessEnv,
): void {
  const { file, outdated } = unsaved;
  if (outdated) {
    renameSync(file, setAside(unsaved));
    return;
  }
  try {
    captureTerraform(stack.directory, ["state", "push", file], env);
  } catch (error) {
    throw new CommandError(
      `${(error as Error).message}\nThe state stays in ${file}. Mend that, and run npm run recover again.`,
    );
  }
  rmSync(file);
}
