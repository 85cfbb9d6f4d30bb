import { identityToken, principalOf } from "./ask/identity-token";
import { completionOf, renderPrompt, templateOf } from "./ask/prompt";
import {
  servedAddress,
  type SettingsOfModel,
  settingsOfModel,
} from "./ask/served-model";
import { isLocal, serviceCall } from "./ask/service-call";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { http as httpClient } from "./http";
import type { Surroundings } from "./surroundings";

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
  environment: {
    type: "string",
    value: "NAME",
    text: "which of several environments",
  },
  model: { type: "string", value: "NAME", text: "which of several models" },
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
  const url = address(
    values.url ?? servedAddress(root, env, environment, model),
  );
  const settings = settingsOfModel(root, env, environment, model);
  const token = isLocal(url)
    ? null
    : await identityToken(new URL(url).origin, env);
  const say = (text: string) => console.error(text);
  const call = serviceCall({ url, token, http, deadlineSeconds, say });

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

function address(url: string): string {
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new CommandError(
      `--url: got '${url}'; allowed: an address such as https://serve-gemma-sql-123.us-central1.run.app`,
      2,
    );
  }
  if (url.startsWith("http:") && !isLocal(url)) {
    throw new CommandError(
      `--url: got '${url}'; allowed: https, because an identity token goes along`,
      2,
    );
  }
  return url;
}

function requireAccess(
  status: number,
  token: string | null,
  { service }: SettingsOfModel,
): void {
  if (status !== 401 && status !== 403) {
    return;
  }
  const principal = (token && principalOf(token)) ?? "user:YOU@EXAMPLE.COM";
  const {
    name = "SERVICE",
    region = "REGION",
    project = "PROJECT",
  } = service ?? {};
  const why =
    status === 401
      ? "Cloud Run does not accept the identity token (401). With a person's login try GOOGLE_ID_TOKEN=$(gcloud auth print-identity-token). If it is accepted, whoever asks also needs"
      : `${principal} may not ask the service (403): what is missing is`;
  throw new CommandError(
    `${why} roles/run.invoker on ${name}. Put "${principal}" into serving.invokers in cdktf.json and deploy, or\n  gcloud run services add-iam-policy-binding ${name} --region ${region} --project ${project} --member ${principal} --role roles/run.invoker`,
  );
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= 300 ? line : `${line.slice(0, 300)}...`;
}

if (require.main === module) {
  void runAsProcess(ask);
}
