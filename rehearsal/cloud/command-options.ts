import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CommandError } from "../../commands/command-line";
import { type CloudSettings, DEFAULTS } from "./cloud-settings";
import { type Fault, FAULT_KINDS, parseFault } from "./faults";
import {
  parsePhaseFault,
  PHASE_FAULT_KINDS,
  type PhaseFault,
  PHASES,
} from "./phase-faults";

const seconds = (text: string, standard: number) =>
  ({
    type: "string",
    value: "SECONDS",
    text: `${text} (default ${standard})`,
  }) as const;

/** What `npx tuneserve-cloud` is told. */
export const OPTIONS = {
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

/** @throws CommandError with what is allowed */
export function cloudSettings(
  values: {
    readonly [name in keyof typeof OPTIONS]?: string;
  },
): CloudSettings {
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
    gpuQuota: wholeNumber("gpu-quota", values["gpu-quota"], DEFAULTS.gpuQuota),
    iamDelay: wholeNumber("iam-delay", values["iam-delay"], DEFAULTS.iamDelay),
    enableDelay: wholeNumber(
      "enable-delay",
      values["enable-delay"],
      DEFAULTS.enableDelay,
    ),
    idle: wholeNumber("idle", values.idle, DEFAULTS.idle),
    faults: (values.fault ?? "").split(",").filter(Boolean).map(fault),
    folder:
      values.folder === undefined ? passingFolder() : keptFolder(values.folder),
  };
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

/** @throws CommandError for anything else */
export function wholeNumber(
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
