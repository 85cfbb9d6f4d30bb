import { readFileSync } from "node:fs";
import path from "node:path";
import { readSettings } from "../constructs/read-settings";
import { googleClient } from "../provision/google-client";
import { googleCredentials } from "../provision/google-credentials";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { http as httpClient } from "./http";
import { budgetPermissions } from "./preflight/budget";
import { credentials } from "./preflight/credentials";
import {
  cannotTell,
  type Check,
  type Finding,
  type Preflight,
} from "./preflight/finding";
import { network } from "./preflight/network";
import { locations, traffic } from "./preflight/organization-policies";
import { permissions } from "./preflight/permissions";
import {
  apisByHand,
  billing,
  modelsBucket,
  project,
} from "./preflight/project";
import { quotas } from "./preflight/quota";
import { sources } from "./preflight/sources";
import { nodeVersion, terraformVersion } from "./preflight/tools";
import { training } from "./preflight/training";
import type { Surroundings } from "./surroundings";
import { ENVIRONMENT } from "./settings-options";

const OPTIONS = {
  environment: ENVIRONMENT,
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "preflight",
  summary:
    "Looks at everything that could stop a deployment half-way, and changes nothing.\n" +
    "Each line is pass, warn (also: could not be checked) or FAIL with what mends it.",
  options: OPTIONS,
};

/** All checks, in the order in which one depends on the other. */
const CHECKS: readonly [string, Check][] = [
  ["Node", nodeVersion()],
  ["Terraform", terraformVersion],
  ["Google credentials", credentials],
  ["project", project],
  ["APIs", apisByHand],
  ["billing", billing],
  ["permissions", permissions],
  ["permissions for the budget", budgetPermissions],
  ["organization policy on locations", locations],
  ["organization policy on traffic", traffic],
  ["network", network],
  ["models' bucket", modelsBucket],
  ["quota", quotas],
  ["base model and data set", sources],
  ["training", training],
];

/**
 * `npm run preflight`: 1 when anything would fail, 2 for a wrong command line.
 */
export async function preflight(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    google = googleClient(env),
    http = httpClient(),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (!line) {
    return 0;
  }
  const settings = settingsOf(root, env, line.values.environment);
  let token: Promise<string> | undefined;
  const accessToken = () => (token ??= fetchToken(env));
  const given: Preflight = { settings, env, google, http, accessToken };
  // All at once; printed in order.
  const running = CHECKS.map(([what, check]) =>
    check(given).catch((error: unknown) => [cannotTell(what, error)]),
  );
  const all: Finding[] = [];
  for (const check of running) {
    const findings = await check;
    findings.forEach((finding) => console.log(format(finding)));
    all.push(...findings);
  }
  const count = (status: Finding["status"]) =>
    all.filter((finding) => finding.status === status).length;
  const failed = count("fail");
  console.log(
    `\n${count("pass")} pass, ${count("warn")} warn, ${failed} fail${failed === 0 ? "" : ": mend these before npm run deploy"}`,
  );
  return failed === 0 ? 0 : 1;
}

function settingsOf(
  root: string,
  env: NodeJS.ProcessEnv,
  environment: string | undefined,
): Preflight["settings"] {
  const file = readFileSync(path.join(root, "cdktf.json"), "utf8");
  const { context = {} } = JSON.parse(file) as {
    context?: Record<string, unknown>;
  };
  const chosen = environment ? { TUNESERVE_ENVIRONMENT: environment } : {};
  const all = readSettings(context, { ...env, ...chosen });
  const [settings, another] = Object.values(all);
  if (settings === undefined || another !== undefined) {
    throw new CommandError(
      `Choose one of the environments with --environment: ${Object.keys(all).join(", ")}.`,
      2,
    );
  }
  return settings;
}

async function fetchToken(env: NodeJS.ProcessEnv): Promise<string> {
  const client = await googleCredentials(env, { timeout: 20_000 });
  const { token } = await client.getAccessToken();
  if (!token) {
    throw new Error("these credentials give no access token");
  }
  return token;
}

const LABEL = { pass: "pass", warn: "warn", fail: "FAIL" } as const;

function format({ status, what, detail, remedy }: Finding): string {
  const line = `${LABEL[status]}  ${what}: ${detail}`;
  return remedy === undefined ? line : `${line}\n      ${remedy}`;
}

if (require.main === module) {
  void runAsProcess(preflight);
}
