import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bytecodeFolder, cacheFolder } from "../commands/python-environment";
import { LocalProcess } from "./local-process";
import { expected, finish } from "./progress";
import type { Workspace } from "./workspace";

/** One of the Python files beside this one, and what it is run with. */
export interface ScriptProps {
  /** What it does, for the user. */
  readonly title: string;

  /** Name of the file, without `.py`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly python: string;
  readonly workspace: Workspace;

  /** How long it took when measured, for its progress bar. */
  readonly seconds: number;
}

/** Runs a script to its end; it may print "answered N of M" on the way. */
export async function runScript(props: ScriptProps): Promise<void> {
  const { title, name, args, python, workspace, seconds } = props;
  const work = new LocalProcess({
    name: `${name}.py`,
    command: [python, join(__dirname, `${name}.py`), ...args],
    folder: workspace.folder,
    environment: {
      HOME: workspace.home,
      PYTHONPYCACHEPREFIX: bytecodeFolder(),
    },
    log: workspace.log(name),
  });
  await finish(title, work, (output, elapsed) => {
    const [text, done, all] = /answered (\d+) of (\d+)\s*$/.exec(output) ?? [];
    return text === undefined
      ? expected(seconds)(elapsed)
      : { share: Number(done) / Number(all), text: text.trim() };
  });
}

/**
 * The result of a script in the cache, made when it is not there yet.
 *
 * @param suffix - ending of the result's name
 * @param inputs - files that decide the result, beside the script and its other arguments
 * @param argsOf - the script's arguments for a result at a path
 */
export async function cached(
  props: Omit<ScriptProps, "args">,
  suffix: string,
  inputs: readonly string[],
  argsOf: (path: string) => readonly string[],
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [join(__dirname, `${props.name}.py`), ...inputs]) {
    hash.update(readFileSync(file)).update("\0");
  }
  const key = hash.digest("hex").slice(0, 12);
  const path = join(cacheFolder(), `${props.name}-${key}${suffix}`);
  if (!existsSync(path)) {
    await runScript({ ...props, args: argsOf(path) });
  }
  return path;
}
