import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pythonEnvironment } from "../commands/python-environment";
import { cached, runScript } from "./run-script";
import { Workspace } from "./workspace";

/** What a rehearsal begins with. */
export interface Preparation {
  readonly seed: string;
  readonly python: string;
  readonly workspace: Workspace;

  /** Folder of the base model. */
  readonly base: string;

  /** Folder with `train.jsonl` and `held-out.jsonl`. */
  readonly data: string;
}

/** Makes the base model, unless the cache has it, and sample data. */
export async function prepare(seed: string): Promise<Preparation> {
  const python = pythonEnvironment();
  const workspace = new Workspace();
  const base = await cached(
    {
      title: "Preparing the base model",
      name: "base_model",
      python,
      workspace,
      seconds: 36,
    },
    "",
    [],
    (path) => [path],
  );
  const data = join(workspace.folder, "data");
  await runScript({
    title: "Making sample data",
    name: "sample_data",
    args: [data, "--seed", seed],
    python,
    workspace,
    seconds: 1,
  });
  return { seed, python, workspace, base, data };
}

/** What the base answers, by how it is asked, unless the cache has it. */
export async function untrainedAnswers(
  { python, workspace, base, data }: Preparation,
  promptTemplate: string,
): Promise<Readonly<Record<"same prompt" | "three examples", string[]>>> {
  const file = await cached(
    {
      title: "Asking it untrained",
      name: "untrained_answers",
      python,
      workspace,
      seconds: 60,
    },
    ".json",
    [join(data, "train.jsonl"), join(data, "held-out.jsonl")],
    (path) => [base, data, path, "--prompt", promptTemplate],
  );
  return JSON.parse(readFileSync(file, "utf8"));
}
