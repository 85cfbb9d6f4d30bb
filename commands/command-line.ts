import { parseArgs, stripVTControlCharacters } from "node:util";
import { closest, distance } from "fastest-levenshtein";

/**
 * A fault that the caller can mend: printed as its message alone, without a
 * stack trace.
 */
export class CommandError extends Error {
  constructor(
    message: string,
    /**
     * Exit code of the command: 2 for a wrong command line, 1 for everything
     * else.
     */
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

export interface Option {
  readonly type: "boolean" | "string";
  /** What `--help` says about it. */
  readonly text: string;
  /** Placeholder of the value in `--help`, for a string. */
  readonly value?: string;
}

export interface Command<O extends Record<string, Option>> {
  /** Name of the npm script. */
  readonly name: string;
  readonly summary: string;
  readonly options: O;
  /**
   * Placeholder of the positional arguments in `--help`; without it none are
   * taken.
   */
  readonly positionals?: string;
}

export type Values<O extends Record<string, Option>> = {
  [K in keyof O]?: O[K]["type"] extends "boolean" ? boolean : string;
};

/**
 * Reads a command line, or prints the help text that it asks for and returns
 * null.
 *
 * @throws CommandError (exit code 2) that names an unknown option and the one
 * that was probably meant.
 */
export function readCommandLine<O extends Record<string, Option>>(
  argv: readonly string[],
  command: Command<O>,
): { values: Values<O>; positionals: string[] } | null {
  const names = [...Object.keys(command.options), "help"];
  const options: Record<
    string,
    { type: "boolean" | "string"; short?: string }
  > = {
    help: { type: "boolean", short: "h" },
  };
  for (const [name, { type }] of Object.entries(command.options)) {
    options[name] = { type };
  }
  // The tokens are looked at first: parseArgs itself names an unknown option
  // but not the one that was meant.
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "option" && !names.includes(token.name)) {
      throw new CommandError(
        unknownOption(command.name, token.rawName, names),
        2,
      );
    }
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: command.positionals !== undefined,
    });
    if (values["help"]) {
      console.log(helpText(command));
      return null;
    }
    return { values: values as Values<O>, positionals };
  } catch (error) {
    throw new CommandError(
      `${(error as Error).message.split(". ")[0]}. See npm run ${command.name} -- --help.`,
      2,
    );
  }
}

function unknownOption(
  command: string,
  given: string,
  names: readonly string[],
): string {
  const bare = given.replace(/^-+/, "");
  const near = closest(bare, names);
  const meant =
    distance(bare, near) <= Math.max(2, bare.length / 3)
      ? ` Did you mean --${near}?`
      : "";
  return `Unknown option ${given}.${meant} See npm run ${command} -- --help.`;
}

function helpText<O extends Record<string, Option>>(
  command: Command<O>,
): string {
  const rows = Object.entries(command.options).map(([name, option]) => [
    `  --${name}${option.type === "string" ? ` ${option.value ?? "VALUE"}` : ""}`,
    option.text,
  ]);
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0)) + 2;
  return [
    `npm run ${command.name}${command.positionals ? ` -- ${command.positionals}` : rows.length > 0 ? " -- [options]" : ""}`,
    "",
    command.summary,
    "",
    ...rows.map(([left = "", right]) => `${left.padEnd(width)}${right}`),
  ].join("\n");
}

/** What only a fault of this program raises: its stack trace is wanted. */
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError];

/**
 * Runs a command's main function as the process: its number is the exit code,
 * an error one message.
 */
export async function runAsProcess(
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Error) || BUGS.some((bug) => error instanceof bug)) {
      throw error;
    }
    console.error(stripVTControlCharacters(error.message));
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  }
}
