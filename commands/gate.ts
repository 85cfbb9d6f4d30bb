import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { applySummary } from "../gates/apply-summary/apply-summary";
import { summaryMarkdown } from "../gates/apply-summary/summary-markdown";
import { summaryText } from "../gates/apply-summary/summary-text";
import { judge } from "../gates/judge";
import {
  environmentsOf,
  GPU_LIMIT,
  isProduction,
  type Profile,
} from "../gates/profile";
import { readPlan } from "../gates/read-plan";
import { reportJson } from "../gates/report-json";
import { reportMarkdown } from "../gates/report-markdown";
import { reportSarif } from "../gates/report-sarif";
import { reportText } from "../gates/report-text";
import type { Plan } from "../gates/resource";
import { withoutSecrets } from "../gates/token-shapes";
import { isBlocked, type Verdict, verdict } from "../gates/verdict";
import { readWaivers, type Waiver } from "../gates/waiver";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
  type Values,
} from "./command-line";

const WAIVERS = "gates/waivers.json";

const OPTIONS = {
  format: {
    type: "string",
    value: "text|markdown|sarif|json",
    text: "how to report; text if not set",
  },
  waivers: {
    type: "string",
    value: "FILE",
    text: `what was agreed; ${WAIVERS} if not set`,
  },
  "cost-limit": {
    type: "string",
    value: "USD",
    text: "blocks above this: serving a month, and the trainings of this apply",
  },
  "gpu-limit": {
    type: "string",
    value: "COUNT",
    text: `GPUs at the same time; ${GPU_LIMIT} if not set`,
  },
  environment: {
    type: "string",
    value: "NAME",
    text: "what the plan is for, beside what its labels say",
  },
  "no-internet": {
    type: "string",
    value: "flag|block",
    text: "how to judge GPU containers that reach the internet by themselves",
  },
  metrics: {
    type: "string",
    value: "FILE",
    text: 'metrics.json of the last runs by model: {"MODEL": {...}}, for expected costs',
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "gate",
  summary:
    "Judges a plan: terraform plan -out plan && terraform show -json plan > plan.json\n" +
    "Exit code 0: passed, 1: blocked, 2: could not be read or judged.",
  options: OPTIONS,
  positionals: "plan.json",
};

/** Larger than any plan of this project by a factor of a thousand. */
const LARGEST = 100 * 1024 * 1024;

const FORMATS = ["text", "markdown", "sarif", "json"] as const;

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
      judge(plan, profile),
      waivers(values.waivers, root),
      today,
      environments(values, plan),
    );
    const metrics =
      values.metrics === undefined
        ? {}
        : (readJson(path.resolve(root, values.metrics)) as object);
    const report = {
      text: () =>
        `${reportText(found)}\n\n${summaryText(applySummary(plan, { metrics: { ...metrics }, today }))}`,
      markdown: () =>
        reportMarkdown(
          found,
          summaryMarkdown(
            applySummary(plan, { metrics: { ...metrics }, today }),
          ),
        ),
      sarif: () =>
        reportSarif(found, path.relative(root, path.resolve(root, file))),
      json: () =>
        reportJson(
          found,
          applySummary(plan, { metrics: { ...metrics }, today }),
        ),
    }[format]();
    console.log(withoutSecrets(report));
    return isBlocked(found as Verdict) ? 1 : 0;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // Whatever went wrong while judging, it is no verdict.
    throw new CommandError(
      withoutSecrets(`${file}: ${(error as Error).message}`),
      2,
    );
  }
}

function profileOf(values: Values<typeof OPTIONS>, plan: Plan): Profile {
  const costLimit = amount("cost-limit", values["cost-limit"]);
  const noInternet = values["no-internet"];
  return {
    production: environments(values, plan).some(isProduction),
    gpuLimit: amount("gpu-limit", values["gpu-limit"]) ?? GPU_LIMIT,
    ...(costLimit === undefined ? {} : { costLimit }),
    ...(noInternet === undefined
      ? {}
      : { noInternet: oneOf("no-internet", noInternet, ["flag", "block"]) }),
  };
}

function environments({ environment }: Values<typeof OPTIONS>, plan: Plan) {
  return [
    ...new Set([
      ...(environment === undefined ? [] : [environment]),
      ...environmentsOf(plan),
    ]),
  ];
}

function oneOf<T extends string>(
  option: string,
  value: string,
  allowed: readonly T[],
): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) {
    throw new CommandError(
      `--${option} got "${value}"; allowed: ${allowed.join(", ")}.`,
      2,
    );
  }
  return found;
}

function amount(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(value)) {
    throw new CommandError(
      `--${option} got "${value}"; allowed: a number such as 500.`,
      2,
    );
  }
  return Number(value);
}

function waivers(file: string | undefined, root: string): readonly Waiver[] {
  const standard = path.resolve(root, WAIVERS);
  if (file === undefined && !existsSync(standard)) return [];
  return readWaivers(file === undefined ? standard : path.resolve(root, file));
}

function readJson(file: string): unknown {
  const { size } = statSync(file);
  if (size > LARGEST) {
    throw new Error(`${size} bytes; the most is ${LARGEST}`);
  }
  const text = readFileSync(file, "utf8");
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold anything.
    throw new Error(
      "it is no JSON; expected is the output of terraform show -json PLANFILE",
    );
  }
}

if (require.main === module) {
  void runAsProcess((argv) => gate(argv));
}
