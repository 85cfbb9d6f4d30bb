import { readFileSync } from "node:fs";
import { CommandError } from "../commands/command-line";

/**
 * The ENTRYPOINT of a Dockerfile, in its JSON form: the last one counts, as in Docker.
 *
 * @throws CommandError when there is none, or only the shell form
 * @see https://docs.docker.com/reference/dockerfile/#entrypoint
 */
export function entrypoint(dockerfile: string): readonly string[] {
  // A backslash at the end of a line joins it with the next.
  const lines = readFileSync(dockerfile, "utf8")
    .replace(/\\\r?\n/g, " ")
    .split(/\r?\n/);
  const value = lines
    .map((line) => /^\s*ENTRYPOINT\s+(.*\S)\s*$/i.exec(line)?.[1])
    .filter((found) => found !== undefined)
    .at(-1);
  const command = value === undefined ? undefined : parsed(value);
  if (command === undefined) {
    throw new CommandError(
      `${dockerfile} has ${value === undefined ? "no ENTRYPOINT" : `ENTRYPOINT ${value}`}; ` +
        `the JSON form is needed, such as ENTRYPOINT ["python", "-m", "finetune"].`,
    );
  }
  return command;
}

function parsed(value: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(value);
    const valid =
      Array.isArray(words) &&
      words.length > 0 &&
      words.every((word) => typeof word === "string");
    return valid ? words : undefined;
  } catch {
    return undefined;
  }
}
