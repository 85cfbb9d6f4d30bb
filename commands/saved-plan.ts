import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { appliedFiles, differences, sha256 } from "./saved-plan/applied-files";
import { seal, unseal } from "./saved-plan/envelope";
import { chooseStack, type Stack } from "./synthesis";
import { ENVIRONMENT } from "./settings-options";

const OPTIONS = {
  environment: ENVIRONMENT,
  file: {
    type: "string",
    value: "FILE",
    text: "the sealed plan; sealed.plan if not set",
  },
  sha256: {
    type: "string",
    value: "HEX",
    text: "open: what seal printed, told in another way than with the file",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "saved-plan",
  summary:
    "seal: encrypts the stack's plan, its provider hashes and the hashes of everything that the apply takes from disk,\n" +
    "      for PLAN_PUBLIC_KEY, and prints the file's SHA-256.\n" +
    "open: decrypts with PLAN_PRIVATE_KEY and puts the plan back, if it is no older than a day and commit and files are the same.",
  options: OPTIONS,
  positionals: "seal|open",
};

/** Terraform's own names for what is sealed, in the stack's folder. */
const PLAN = "tfplan";
const LOCK = ".terraform.lock.hcl";

const DAY_MS = 24 * 3600 * 1000;

const CONTENT = z.strictObject({
  environment: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  made: z.iso.datetime(),
  files: z.record(z.string(), z.string()),
  lock: z.string(),
  plan: z.base64(),
});

/** `npm run saved-plan`: 0, or 1 when the plan must not be applied. */
export async function savedPlan(
  argv: readonly string[],
  { env = process.env, root = process.cwd(), now = new Date() } = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) return 0;
  const { values, positionals } = line;
  const [action, another] = positionals;
  if ((action !== "seal" && action !== "open") || another !== undefined) {
    throw new CommandError(
      `Say seal or open, got "${positionals.join(" ")}". See npm run saved-plan -- --help.`,
      2,
    );
  }
  const stack = chooseStack(root, values.environment);
  const file = path.resolve(root, values.file ?? "sealed.plan");
  if (action === "seal") {
    const sealed = seal(
      content(stack, root, now),
      required(env, "PLAN_PUBLIC_KEY"),
    );
    writeFileSync(file, sealed);
    console.log(sha256(sealed));
    return 0;
  }
  const sealed = readFileSync(file);
  if (values.sha256 !== undefined && sha256(sealed) !== values.sha256) {
    throw new CommandError(
      `${file} is not the plan that was made: its SHA-256 is ${sha256(sealed)}, expected is ${values.sha256}.`,
    );
  }
  const opened = unseal(sealed, required(env, "PLAN_PRIVATE_KEY"));
  const { plan, lock } = checked(opened, stack, root, now);
  writeFileSync(path.join(stack.directory, LOCK), lock);
  writeFileSync(path.join(stack.directory, PLAN), Buffer.from(plan, "base64"), {
    mode: 0o600,
  });
  console.error(`The plan of ${stack.name} is in ${stack.directory}/${PLAN}.`);
  return 0;
}

function content(stack: Stack, root: string, now: Date): Buffer {
  const read = (name: string) => {
    const file = path.join(stack.directory, name);
    if (existsSync(file)) return readFileSync(file);
    throw new CommandError(
      `There is no ${file}. Run terraform init and terraform plan -out ${PLAN} in that folder first.`,
    );
  };
  return Buffer.from(
    JSON.stringify({
      environment: stack.name,
      commit: commit(root),
      made: now.toISOString(),
      files: appliedFiles(root),
      lock: read(LOCK).toString("utf8"),
      plan: read(PLAN).toString("base64"),
    } satisfies z.infer<typeof CONTENT>),
  );
}

/** @throws CommandError with everything that speaks against the plan. */
function checked(opened: Buffer, stack: Stack, root: string, now: Date) {
  const parsed = CONTENT.safeParse(JSON.parse(opened.toString("utf8")));
  if (!parsed.success) {
    throw new CommandError(
      "The sealed file holds something else than a plan: it comes from another version of this command.",
    );
  }
  const { data } = parsed;
  const age = now.getTime() - new Date(data.made).getTime();
  const problems = [
    ...(data.environment === stack.name
      ? []
      : [`it is for environment ${data.environment}, not ${stack.name}`]),
    ...(data.commit === commit(root)
      ? []
      : [`it was made from commit ${data.commit}, this is ${commit(root)}`]),
    ...(age <= DAY_MS ? [] : [`it was made at ${data.made}, over a day ago`]),
    ...differences(data.files, appliedFiles(root)),
  ];
  if (problems.length > 0) {
    throw new CommandError(
      `The plan must not be applied; make a new one.\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
  }
  return data;
}

function commit(root: string): string {
  const said = execFileSync("git", ["rev-parse", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  });
  return said.trim();
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new CommandError(
    `${name} is not set. docs/ci.md says where it comes from.`,
  );
}

if (require.main === module) {
  void runAsProcess(savedPlan);
}
