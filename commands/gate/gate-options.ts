import {
  environmentsOf,
  GPU_LIMIT,
  isProduction,
  type Profile,
} from "../../gates/profile";
import type { Plan } from "../../gates/resource";
import { CommandError, type Values } from "../command-line";

/** What was agreed, where no other file is named. */
export const WAIVERS = "gates/waivers.json";

export const OPTIONS = {
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

export const FORMATS = ["text", "markdown", "sarif", "json"] as const;

type Given = Values<typeof OPTIONS>;

/** What the rules hold the plan against. */
export function profileOf(values: Given, plan: Plan): Profile {
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

/** The environments that a plan is for, by its labels and by the option. */
export function environments({ environment }: Given, plan: Plan) {
  return [
    ...new Set([
      ...(environment ? [environment] : []),
      ...environmentsOf(plan),
    ]),
  ];
}

/** @throws CommandError when the value is none of those allowed */
export function oneOf<T extends string>(
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
