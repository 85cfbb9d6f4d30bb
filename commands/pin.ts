import { readFileSync } from "node:fs";
import path from "node:path";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { http as httpClient } from "./http";
import { baseImages } from "./pin/dockerfile";
import { hubRevisions } from "./pin/hub-revision";
import type { PinnedThing } from "./pin/pinned-thing";
import { writeTogether } from "./pin/write-together";
import type { Surroundings } from "./surroundings";

const OPTIONS = {
  check: {
    type: "boolean",
    text: "only report; exit code 1 when something is not pinned to the newest",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "pin",
  summary:
    "Replaces what only names something by what it stands for today: tags of base images by digests (trainer/Dockerfile,\n" +
    "vllm/Dockerfile), branches of base models and data sets by commits (cdktf.json). All or nothing.\n" +
    "A revision is part of a run's identity: after one has changed, the next deployment trains.",
  options: OPTIONS,
};

const DOCKERFILES = ["trainer/Dockerfile", "vllm/Dockerfile"];

/**
 * `npm run pin`: 0 when everything is pinned, 1 when something could not be
 * resolved (then nothing is written) or, with `--check`, is not pinned.
 */
export async function pin(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    http = httpClient(),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (!line) {
    return 0;
  }
  const texts = new Map(
    ["cdktf.json", ...DOCKERFILES].map((file) => [file, read(root, file)]),
  );
  const { context = {} } = JSON.parse(texts.get("cdktf.json") ?? "{}") as {
    context?: Record<string, unknown>;
  };
  const things: PinnedThing[] = [
    ...DOCKERFILES.flatMap((file) =>
      baseImages(file, texts.get(file) ?? "", http),
    ),
    ...hubRevisions(context, http, env),
  ];
  const answers = await Promise.all(things.map(answer));

  const changed = new Map<string, string>();
  const count = { failed: 0, changed: 0 };
  for (const { thing, resolved, problem } of answers) {
    const { file, what, old } = thing;
    if (resolved === undefined) {
      count.failed += 1;
      console.error(`${file}  ${what} ${old}: not resolved, ${problem}`);
    } else if (resolved === old) {
      console.log(`${file}  ${what} ${old}: up to date`);
    } else {
      count.changed += 1;
      console.log(`${file}  ${what}\n    ${old} -> ${resolved}`);
      const text = changed.get(file) ?? texts.get(file) ?? "";
      changed.set(file, thing.replace(text, resolved));
    }
  }
  if (count.failed > 0) {
    console.error("Nothing was written: everything is pinned together.");
    return 1;
  }
  if (count.changed === 0) {
    console.log("Everything that can be pinned is.");
    return 0;
  }
  if (line.values.check) {
    console.log("Nothing was written (--check). npm run pin writes it.");
    return 1;
  }
  writeTogether(
    new Map([...changed].map(([file, text]) => [path.join(root, file), text])),
  );
  console.log(`Written: ${[...changed.keys()].join(", ")}`);
  return 0;
}

interface Answer {
  readonly thing: PinnedThing;
  readonly resolved?: string;
  readonly problem?: string;
}

async function answer(thing: PinnedThing): Promise<Answer> {
  try {
    return { thing, resolved: await thing.resolve() };
  } catch (error) {
    return { thing, problem: (error as Error).message };
  }
}

function read(root: string, file: string): string {
  try {
    return readFileSync(path.join(root, file), "utf8");
  } catch {
    throw new CommandError(
      `There is no ${file} in ${root}. Run this command in the repository's root folder.`,
    );
  }
}

if (require.main === module) {
  void runAsProcess(pin);
}
