import { existsSync } from "node:fs";
import path from "node:path";
import { applySummary } from "../gates/apply-summary/apply-summary";
import { summaryMarkdown } from "../gates/apply-summary/summary-markdown";
import { summaryText } from "../gates/apply-summary/summary-text";
import { RULES } from "../gates/all-rules";
import { judge } from "../gates/judge";
import { objectOf } from "../gates/json";
import { readPlan } from "../gates/read-plan";
import { reportJson } from "../gates/report-json";
import { reportMarkdown } from "../gates/report-markdown";
import { reportSarif } from "../gates/report-sarif";
import { reportText } from "../gates/report-text";
import { withoutSecrets } from "../gates/token-shapes";
import { isBlocked, verdict } from "../gates/verdict";
import { readWaivers, type Waiver } from "../gates/waiver";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import {
  environments,
  FORMATS,
  oneOf,
  OPTIONS,
  profileOf,
  WAIVERS,
} from "./gate/gate-options";
import { readJson } from "./gate/json-file";

const COMMAND: Command<typeof OPTIONS> = {
  name: "gate",
  summary:
    "Judges a plan: terraform plan -out plan && terraform show -json plan > plan.json\n" +
    "Exit code 0: passed, 1: blocked, 2: could not be read or judged.",
  options: OPTIONS,
  positionals: "plan.json",
};

/** `npm run gate`: 0 passed, 1 blocked, 2 for everything that was no judgement. */
export async function gate(
  argv: readonly string[],
  { today = new Date(), root = process.cwd() } = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) return 0;
  const { values, positionals } = line;
  const [file, another] = positionals;
  if (file === undefined || another !== undefined) {
    throw new CommandError(
      `Give one plan, got ${positionals.length}: npm run gate -- plan.json`,
      2,
    );
  }
  try {
    const format = oneOf("format", values.format ?? "text", FORMATS);
    const plan = readPlan(readJson(path.resolve(root, file)));
    const profile = profileOf(values, plan);
    const found = verdict(
      plan,
      judge(plan, profile, RULES),
      waivers(values.waivers, root),
      today,
      environments(values, plan),
    );
    const known = values.metrics;
    const summary = applySummary(plan, {
      metrics:
        known === undefined
          ? {}
          : objectOf(readJson(path.resolve(root, known))),
      today,
    });
    const text = () => `${reportText(found)}\n\n${summaryText(summary)}`;
    const report = {
      text,
      markdown() {
        const said = summaryMarkdown(summary);
        const report = reportMarkdown(found, said);
        // What did not fit is in the log, as the report says.
        if (report !== reportMarkdown(found, said, Infinity)) {
          console.error(withoutSecrets(text()));
        }
        return report;
      },
      sarif: () =>
        reportSarif(found, path.relative(root, path.resolve(root, file))),
      json: () => reportJson(found, summary),
    }[format]();
    console.log(withoutSecrets(report));
    return isBlocked(found) ? 1 : 0;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // Whatever went wrong while judging, it is no verdict.
    throw new CommandError(
      withoutSecrets(`${file}: ${(error as Error).message}`),
      2,
    );
  }
}

function waivers(file: string | undefined, root: string): readonly Waiver[] {
  const standard = path.resolve(root, WAIVERS);
  if (file === undefined && !existsSync(standard)) return [];
  return readWaivers(file === undefined ? standard : path.resolve(root, file));
}

if (require.main === module) {
  void runAsProcess((argv) => gate(argv));
}
