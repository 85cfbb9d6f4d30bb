import path from "node:path";
import { codeSpan } from "../gates/code-span";
import { drifts } from "../gates/drift";
import { own } from "../gates/json";
import { readPlan } from "../gates/read-plan";
import { UnreadablePlan } from "../gates/unreadable-plan";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { readJson } from "./gate/json-file";

const COMMAND: Command<Record<never, never>> = {
  name: "drift",
  summary:
    "Lists in Markdown what was changed outside of Terraform, as a plan found it (terraform show -json); nothing where\n" +
    "nothing was. Addresses and names of arguments only: the list may be public, values are for the log.",
  options: {},
  positionals: "plan.json",
};

/** `npm run drift`: 0 whether something drifted or not. */
export async function drift(
  argv: readonly string[],
  root = process.cwd(),
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) return 0;
  const [file, another] = line.positionals;
  if (file === undefined || another !== undefined) {
    throw new CommandError("Give one plan: npm run drift -- plan.json", 2);
  }
  const json = readJson(path.resolve(root, file));
  const plan = readPlan(json);
  // Half a plan does not say that nothing differs.
  if (own(json, "errored") !== false) {
    throw new UnreadablePlan("the plan ended with an error");
  }
  for (const { address, deleted, paths } of drifts(plan)) {
    console.log(
      deleted
        ? `- ${codeSpan(address)} is gone`
        : `- ${codeSpan(address)}: ${paths.map(codeSpan).join(", ")}`,
    );
  }
  return 0;
}

if (require.main === module) {
  void runAsProcess((argv) => drift(argv));
}
