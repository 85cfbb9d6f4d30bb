import { readFileSync } from "node:fs";
import path from "node:path";
import { modelSettings } from "../../constructs/model-settings";
import { readSettings } from "../../constructs/read-settings";
import type { EnvironmentSettings } from "../../constructs/settings";
import { CommandError } from "../command-line";
import { chooseStack } from "../synthesis";
import { captureTerraform, requireTerraform } from "../terraform";

/**
 * Address of a deployed model's service, from the outputs of its stack.
 *
 * @throws CommandError when nothing is deployed or there are several to choose from.
 */
export function servedAddress(
  root: string,
  env: NodeJS.ProcessEnv,
  environment: string | undefined,
  model: string | undefined,
): string {
  requireTerraform(env);
  const stack = chooseStack(root, environment);
  const outputs = JSON.parse(
    captureTerraform(stack.directory, ["output", "-json"], env),
  ) as { service_url?: { value: string | Record<string, string> } };
  const value = outputs.service_url?.value;
  if (value === undefined) {
    throw new CommandError(
      `Nothing is deployed in environment ${stack.name}. Run npm run deploy first, or give an address with --url.`,
    );
  }
  if (typeof value === "string") {
    return value;
  }
  const names = Object.keys(value).join(", ");
  const url = model === undefined ? undefined : value[model];
  if (url === undefined) {
    throw new CommandError(
      model === undefined
        ? `There are several models; choose one with --model: ${names}.`
        : `There is no model '${model}'. There is: ${names}.`,
      2,
    );
  }
  return url;
}

/** What the settings say about a model, as far as they can be read. */
export interface SettingsOfModel {
  /** Prompt template with placeholders such as `{question}`. */
  readonly prompt: string;
  /** How many requests the service works on at a time, with all its instances. */
  readonly places: number;
  /** The service, where the settings are complete. */
  readonly service?: {
    readonly name: string;
    readonly region: string;
    readonly project: string;
  };
}

/**
 * Looks a model up in cdktf.json. Asking an address does not need a project, so
 * settings that are incomplete or wrong count as the defaults here.
 */
export function settingsOfModel(
  root: string,
  env: NodeJS.ProcessEnv,
  environment: string | undefined,
  model: string | undefined,
): SettingsOfModel {
  const chosen = environment ? { TUNESERVE_ENVIRONMENT: environment } : {};
  const variables = { ...env, ...chosen };
  const all =
    readContext(root, variables) ??
    readContext(root, { ...variables, ...UNSET }) ??
    {};
  const settings = environment ? all[environment] : Object.values(all)[0];
  const models = Object.values(settings?.models ?? {});
  const found = models.find(({ name }) => name === model) ?? models[0];
  const { prompt, serving } = found ?? modelSettings.parse({});
  const places = serving.maxNumSeqs * serving.maxInstances;
  if (!settings || !found) {
    return { prompt, places };
  }
  const { projectId: project, region } = settings;
  return {
    prompt,
    places,
    ...(project === UNSET.PROJECT_ID
      ? {}
      : { service: { name: serving.service, region, project } }),
  };
}

/** What makes settings complete that name no project. */
const UNSET = { PROJECT_ID: "not-set", REGION: "us-central1" };

function readContext(
  root: string,
  variables: NodeJS.ProcessEnv,
): Record<string, EnvironmentSettings> | null {
  try {
    const file = readFileSync(path.join(root, "cdktf.json"), "utf8");
    const { context } = JSON.parse(file) as {
      context?: Record<string, unknown>;
    };
    return readSettings(context ?? {}, variables);
  } catch {
    return null;
  }
}
