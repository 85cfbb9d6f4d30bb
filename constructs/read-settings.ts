import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { withProductionDefaults } from "./production-defaults";
import {
  type EnvironmentSettings,
  settings,
  withDerivedNames,
} from "./settings";
import { type Override, overrideByVariables } from "./tutorial-variables";

/** Wrong settings; the message lists every problem with its remedy. */
export class SettingsError extends Error {
  public override readonly name = "SettingsError";

  public constructor(public readonly problems: readonly string[]) {
    const count =
      problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      `the settings have ${count}; nothing was created\n${problems.map((p) => `  - ${p}`).join("\n")}`,
    );
  }
}

/**
 * Settings of each environment by name.
 *
 * @param context - the `context` of cdktf.json
 * @param variables - environment variables; `TUNESERVE_ENVIRONMENT` leaves only
 *   the environment that it names, and the tutorial's names override its values
 * @throws SettingsError with all problems at once
 */
export function readSettings(
  context: Record<string, unknown>,
  variables: Record<string, string | undefined>,
): Record<string, EnvironmentSettings> {
  const all = context.environments as Record<string, unknown> | undefined;
  const names = Object.keys(all ?? {});
  const wanted = variables.TUNESERVE_ENVIRONMENT || undefined;
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new SettingsError([
      `TUNESERVE_ENVIRONMENT: got ${JSON.stringify(wanted)}; allowed: ${names.join(", ")}${suggestion(wanted, names)}`,
    ]);
  }
  // cdktf.json's context also holds keys of the framework's own.
  const own = {
    ...Object.fromEntries(
      Object.entries(context).filter(([key]) => !FRAMEWORK_KEYS.has(key)),
    ),
    ...(wanted === undefined
      ? {}
      : { environments: { [wanted]: all?.[wanted] } }),
  };
  const only = wanted ?? (names.length === 1 ? names[0] : undefined);
  const set = overrideByVariables(own, only, variables);
  const parsed = settings.safeParse(withProductionDefaults(set.context), {
    reportInput: true,
  });
  const problems = [
    ...set.ambiguous.map((variable) =>
      only === undefined
        ? `${variable} (environment variable): there are several environments (${names.join(", ")}), and it does not say which one it means; choose one with TUNESERVE_ENVIRONMENT, or unset it and use cdktf.json`
        : `${variable} (environment variable): environment '${only}' has several models, and it does not say which one it means; unset it and use cdktf.json`,
    ),
    ...(parsed.error?.issues ?? []).flatMap((issue) =>
      describe(issue, set.overrides),
    ),
  ];
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems);
  return Object.fromEntries(
    Object.entries(parsed.data.environments).map(([name, environment]) => [
      name,
      withDerivedNames(environment),
    ]),
  );
}

const FRAMEWORK_KEYS = new Set([
  "cdktfRelativeModules",
  "cdktfStaticModuleAssetHash",
  "excludeStackIdFromLogicalIds",
  "allowSepCharsInLogicalIds",
]);

function describe(issue: z.core.$ZodIssue, overrides: Override[]): string[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    return issue.keys.map(
      (key) =>
        `${[...path, key].join(".")}: there is no such setting${suggestion(key, known)}; allowed: ${known.join(", ")}`,
    );
  }
  if (issue.code === "invalid_key") {
    const allowed = issue.issues.map(({ message }) => message).join(", ");
    return [
      `${path.join(".")}: the name ${JSON.stringify(path.at(-1))} is not allowed; allowed: ${allowed}`,
    ];
  }
  const override = overrides.find((o) => o.path.join(".") === path.join("."));
  const where = override
    ? `${override.variable} (environment variable)`
    : path.join(".");
  if (issue.input === undefined) {
    const variable = VARIABLE_OF[path.at(-1) ?? ""];
    const how = variable ? ` (or export ${variable}=...)` : "";
    return [`${where}: not set${how}; allowed: ${issue.message}`];
  }
  if (issue.code === "invalid_type" && issue.expected === "object") {
    return [
      `${where}: got ${shown(issue.input)}; allowed: an object with the keys ${knownKeys(path).join(", ")}`,
    ];
  }
  const hint =
    issue.code === "invalid_value" && typeof issue.input === "string"
      ? suggestion(issue.input, issue.values.map(String))
      : "";
  return [
    `${where}: got ${shown(issue.input)}; allowed: ${issue.message}${hint}`,
  ];
}

const VARIABLE_OF: Record<string, string> = {
  projectId: "PROJECT_ID",
  region: "REGION",
};

/** The keys of the strict object at a path of the schema. */
function knownKeys(path: string[]): string[] {
  let here = unwrapped(settings);
  for (const key of path) {
    const { shape, valueType } = here._zod.def as Partial<
      z.core.$ZodObjectDef & Omit<z.core.$ZodRecordDef, "type">
    >;
    const next = shape?.[key] ?? valueType;
    if (next === undefined) return [];
    here = unwrapped(next);
  }
  const def = here._zod.def as z.core.$ZodObjectDef;
  return Object.keys(def.shape ?? {});
}

/** The object or record inside defaults, options and unions. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as {
    innerType?: z.core.$ZodType;
    options?: z.core.$ZodType[];
  };
  if (def.innerType) return unwrapped(def.innerType);
  const object = def.options?.find((o) => o._zod.def.type === "object");
  return object ?? schema;
}

function suggestion(received: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, far: distance(received, name) }))
    .filter(
      ({ name, far }) =>
        far > 0 && far <= Math.max(2, name.length / 3) && far < name.length,
    )
    .sort((a, b) => a.far - b.far)[0];
  return near === undefined ? "" : ` (did you mean '${near.name}'?)`;
}

/** A value as JSON, shortened, and without what looks like a token. */
function shown(value: unknown): string {
  const json = JSON.stringify(value).replace(/hf_\w{8,}/g, "hf_…");
  return json.length <= 120 ? json : `${json.slice(0, 117)}...`;
}
