import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CommandError } from "../command-line";

/**
 * Makes sure that a result can be written before the work for it begins.
 *
 * @throws CommandError (exit code 2) that names the option
 */
export function requireWritable(option: string, file: string): void {
  const path = resolve(file);
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw new CommandError(
      `--${option}: '${file}' cannot be written (${(error as NodeJS.ErrnoException).code}); give a file in a folder that exists`,
      2,
    );
  }
  if (existsSync(path) && statSync(path).isDirectory()) {
    throw new CommandError(
      `--${option}: '${file}' is a folder; give a file in it`,
      2,
    );
  }
}
