import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "../../commands/command-line";
import { endProcessesWithThisOne } from "../local-process";
import type { Cloud } from "./cloud";
import { type CloudSettings, DEFAULTS } from "./cloud-settings";
import { writeDeployerKey } from "./deployer";
import { cloudEnvironment } from "./environment";
import { type Fault, FAULT_KINDS, parseFault } from "./faults";
import {
  parsePhaseFault,
  PHASE_FAULT_KINDS,
  type PhaseFault,
  PHASES,
} from "./phase-faults";
import { CloudServer } from "./server";

const seconds = (text: string, standard: number) =>
  ({
    type: "string",
    value: "SECONDS",
    text: `${text} (default ${standard})`,
  }) as const;

const OPTIONS = {
  port: {
    type: "string",
    value: "PORT",
    text: "where the APIs are (default 8900; 0 for any)",
  },
  project: {
    type: "string",
    value: "ID",
    text: `the one project (default ${DEFAULTS.project})`,
  },
  region: {
    type: "string",
    value: "NAME",
    text: `of jobs and services (default ${DEFAULTS.region})`,
  },
  user: {
    type: "string",
    value: "EMAIL",
    text: `who owns the project (default ${DEFAULTS.user})`,
  },
  containers: {
    type: "string",
    value: "KIND",
    text: "processes: jobs and services run here; stub: they only seem to, and say so (default processes)",
  },
  "gpu-quota": {
    type: "string",
    value: "N",
    text: `GPUs of each kind at once in the region (default ${DEFAULTS.gpuQuota})`,
  },
  "iam-delay": seconds("until a grant has its effect", DEFAULTS.iamDelay),
  "enable-delay": seconds("until an enabled API answers", DEFAULTS.enableDelay),
  idle: seconds(
    "without a request until a service's instance ends",
    DEFAULTS.idle,
  ),
  fault: {
    type: "string",
    value: "METHOD=KIND*TIMES",
    text: `what goes wrong, separated by commas, such as run.*.jobs.run=lost (${Object.keys(FAULT_KINDS).join(", ")}) or training=memory (${PHASES.join(", ")}: ${Object.keys(PHASE_FAULT_KINDS).join(", ")}, exit-N)`,
  },
  "key-file": {
    type: "string",
    value: "FILE",
    text: "writes a service account's key there, and prints an environment that works as that account",
  },
  folder: {
    type: "string",
    value: "FOLDER",
    text: "keeps objects, images and logs there (default: one that goes at the end)",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "cloud",
  summary:
    "A local Google Cloud for Terraform, its Google provider and gcloud, on loopback and without an account.\n" +
    "Prints the environment that sends them here. Ctrl-C ends it and all that it runs.",
  options: OPTIONS,
};

/** `npx tuneserve-cloud`: runs until a signal ends it. */
async function cloud(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) {
    return 0;
  }
  const { values } = line;
  const port = number("port", values.port, 8900);
  const settings = cloudSettings(values);
  endProcessesWithThisOne();
  let server: CloudServer;
  try {
    server = await CloudServer.start(settings, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new CommandError(
      `Port ${port} is taken: end what listens there, or take another one: --port ${port + 1}, or --port 0 for any that is free.`,
    );
  }
  const { origin } = server.cloud;
  const keyFile = values["key-file"] && resolve(values["key-file"]);
  if (keyFile) writeKey(server.cloud, keyFile);
  console.error(
    `A local Google Cloud listens at ${origin}${settings.containers === "stub" ? ", with STUBS in place of containers" : ""}. For another terminal:\n`,
  );
  for (const [name, value] of Object.entries(
    cloudEnvironment(server.cloud, keyFile),
  )) {
    console.log(`export ${name}=${value}`);
  }
  console.error("\nCtrl-C ends it.");
  return 0;
}

function cloudSettings(values: {
  readonly [name in keyof typeof OPTIONS]?: string;
}): CloudSettings {
  const { containers = DEFAULTS.containers, project = DEFAULTS.project } =
    values;
  if (containers !== "processes" && containers !== "stub") {
    throw new CommandError(
      `--containers got '${containers}'; allowed: processes, stub.`,
      2,
    );
  }
  if (!/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(project)) {
    throw new CommandError(
      `--project got '${project}'; allowed: 6 to 30 lowercase letters, digits and hyphens that begin with a letter.`,
      2,
    );
  }
  return {
    ...DEFAULTS,
    containers,
    project,
    region: values.region ?? DEFAULTS.region,
    user: values.user ?? DEFAULTS.user,
    gpuQuota: number("gpu-quota", values["gpu-quota"], DEFAULTS.gpuQuota),
    iamDelay: number("iam-delay", values["iam-delay"], DEFAULTS.iamDelay),
    enableDelay: number(
      "enable-delay",
      values["enable-delay"],
      DEFAULTS.enableDelay,
    ),
    idle: number("idle", values.idle, DEFAULTS.idle),
    faults: (values.fault ?? "").split(",").filter(Boolean).map(fault),
    folder:
      values.folder === undefined ? passingFolder() : keptFolder(values.folder),
  };
}

function writeKey(cloud: Cloud, file: string): void {
  try {
    writeDeployerKey(cloud, file);
  } catch (error) {
    throw new CommandError(
      `--key-file: ${(error as Error).message}; allowed: a file that can be written`,
      2,
    );
  }
}

function fault(text: string): Fault | PhaseFault {
  const parsed = parsePhaseFault(text) ?? parseFault(text);
  if (parsed === undefined) {
    throw new CommandError(
      `--fault got '${text}'; allowed: METHOD=KIND or METHOD=KIND*TIMES, with a discovery name such as run.projects.locations.jobs.run or run.*.jobs.run, and one of ${Object.keys(FAULT_KINDS).join(", ")}; or a phase (${PHASES.join(", ")}) and one of ${Object.keys(PHASE_FAULT_KINDS).join(", ")}, exit-1 to exit-255.`,
      2,
    );
  }
  return parsed;
}

function number(
  name: string,
  value: string | undefined,
  standard: number,
): number {
  if (value !== undefined && !/^\d{1,6}$/.test(value)) {
    throw new CommandError(
      `--${name} got '${value}'; allowed: a whole number.`,
      2,
    );
  }
  return value === undefined ? standard : Number(value);
}

function keptFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return resolve(folder);
}

function passingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tuneserve-cloud-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

void runAsProcess(cloud);
