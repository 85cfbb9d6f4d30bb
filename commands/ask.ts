import { requireAccess } from "./ask/access";
import { callerToken } from "./ask/caller-token";
import { completionOf, renderPrompt, templateOf } from "./ask/prompt";
import { servedAddress, settingsOfModel } from "./ask/served-model";
import { serviceAddress } from "./ask/service-address";
import { serviceCall } from "./ask/service-call";
import { shortened } from "./ask/shortened";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { http as httpClient } from "./http";
import type { Surroundings } from "./surroundings";
import { ENVIRONMENT, MODEL } from "./settings-options";

const OPTIONS = {
  context: {
    type: "string",
    value: "SQL",
    text: "the tables that the question is about, as CREATE TABLE statements",
  },
  url: {
    type: "string",
    value: "URL",
    text: "a server's address instead of the deployed service",
  },
  environment: ENVIRONMENT,
  model: MODEL,
  timeout: {
    type: "string",
    value: "SECONDS",
    text: "how long to wait, also for a start from zero (default 300)",
  },
  json: { type: "boolean", text: "print the service's answer as it is" },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "ask",
  summary:
    "Asks the served model and prints its SQL, alone, on stdout. The identity token comes from GOOGLE_ID_TOKEN or the\n" +
    "Application Default Credentials.",
  options: OPTIONS,
  positionals:
    '"How many singers are older than 30?" --context "CREATE TABLE singer (age INTEGER)"',
};

/** `npm run ask`: 0 with an answer, 1 without, 2 for a wrong command line. */
export async function ask(
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
  const { values, positionals } = line;
  const question = theQuestion(positionals);
  const deadlineSeconds = seconds(values.timeout ?? "300");
  const { environment, model } = values;
  const url = serviceAddress(
    values.url ?? servedAddress(root, env, environment, model),
  );
  const settings = settingsOfModel(root, env, environment, model);
  const say = (text: string) => console.error(text);
  const server = { url, http, deadlineSeconds, say };
  const token = await callerToken({ ...server, env, path: "/lineage" });
  const call = serviceCall({ ...server, token });

  const lineage = await call("/lineage");
  requireAccess(lineage.status, token, settings);
  const template =
    templateOf(lineage.text, values.context !== undefined) ?? settings.prompt;
  if (values.context === undefined && template.includes("{context}")) {
    say("No --context: the model was not told the tables, and guesses names.");
  }
  const context = values.context ?? "";
  const prompt = renderPrompt(template, { question, context });
  const { status, text } = await call("/generate", {
    method: "POST",
    body: { prompt },
  });
  requireAccess(status, token, settings);
  if (status === 404) {
    throw new CommandError(
      `${url} has no /generate (404): the address is wrong, the service is gone, or its ingress setting keeps out requests from here.`,
    );
  }
  if (status !== 200) {
    throw new CommandError(`${url} answered ${status}: ${shortened(text)}`);
  }
  const completion = completionOf(text, prompt);
  if (completion === null && !values.json) {
    throw new CommandError(
      `${url} gave an answer of an unknown shape: ${shortened(text)}`,
    );
  }
  console.log(values.json ? text : completion);
  return 0;
}

function theQuestion(positionals: readonly string[]): string {
  const [question = "", ...more] = positionals;
  if (more.length > 0) {
    throw new CommandError(
      `Got ${positionals.length} questions; put the whole question between quotes: npm run ask -- "How many ...?"`,
      2,
    );
  }
  if (question.trim() === "") {
    throw new CommandError(
      `The question is missing: npm run ask -- ${COMMAND.positionals}`,
      2,
    );
  }
  return question;
}

function seconds(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) {
    throw new CommandError(
      `--timeout: got '${value}'; allowed: a number of seconds above 0`,
      2,
    );
  }
  return number;
}

if (require.main === module) {
  void runAsProcess(ask);
}
