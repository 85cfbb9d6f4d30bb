import { closeSync, openSync } from "node:fs";
import { CommandError } from "../command-line";

/**
 * Makes sure that a result can be written before the work for it begins.
 *
 * @throws CommandError (exit code 2) that names the option
 */
export function requireWritable(option: string, file: string): void {
  try {
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw new CommandError(
      `--${option}: '${file}' cannot be written (${(error as NodeJS.ErrnoException).code}); give a file in a folder that exists`,
      2,
    );
  }
}
